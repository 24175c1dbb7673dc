"""The synchronous work of the section `node`, by python3-libvirt; see serve.ts for the lines."""

import sys
import time

import libvirt

domain = libvirt.open("test:///default").lookupByName("test")


def name(calls):
    for _ in range(calls):
        domain.name()


def info(calls):
    for _ in range(calls):
        domain.info()


def pause(calls):
    for _ in range(0, calls, 2):
        domain.suspend()
        domain.resume()


works = {"name": name, "info": info, "pause": pause}
for line in sys.stdin:
    _, work, calls = line.split()[:3]
    processor, wall = time.process_time_ns(), time.perf_counter_ns()
    works[work](int(calls))
    wall, processor = time.perf_counter_ns() - wall, time.process_time_ns() - processor
    print(wall, processor, flush=True)
