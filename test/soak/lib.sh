# What the soak tests share: a folder on tmpfs, the programs, a policy that refuses virDomainDestroy, and the verdict.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
shim=${VIRTSHIM_TEST_SHIM:-$root/build/Release/libvirtshim.so}
work=$(mktemp -d "${SOAK_FOLDER:-/dev/shm}/virtshim-soak-XXXXXX")
trap '[ -n "${SOAK_KEEP:-}" ] || rm -rf "$work"' EXIT

for program in host killer; do
  cc -std=gnu11 -O1 -g -Wall "$root/test/soak/$program.c" -lvirt -lpthread -o "$work/$program"
done

cat >"$work/policy.json" <<'END'
{
  "name": "soak",
  "defaults": { "*": "allow" },
  "audit": { "netlink": false },
  "rules": [
    { "id": "no-destroy", "effect": "deny", "actions": ["domain.stop"], "resources": { "names": ["te*"] } },
    { "id": "not-others", "effect": "deny", "actions": ["read", "control"], "resources": { "names": ["production-*"] } }
  ]
}
END
node "$root/dist/cli/main.js" policy compile "$work/policy.json" -o "$work/policy.img" >&2

# Runs a command under the shim.
shimmed() { env LD_PRELOAD="$shim" VIRTSHIM_POLICY="$work/policy.img" VIRTSHIM_TRAIL="$work/trail" "$@"; }

# verdict NAME STATUS FIGURES: the last line of each test.
verdict() {
  if [ "$2" = 0 ]; then echo "PASS $1: $3"; else echo "FAIL $1: $3"; fi
  return "$2"
}

# The chain holds, no record is torn or lost.
verify() { node "$root/dist/cli/main.js" trail verify "$work/trail" >"$work/verify.txt" 2>&1; }

# our_reports FILE: how many of the reports of valgrind are about this project, "0 of 17"; prints these to standard error.
# A report is ours where our own code asked for the block, or made the access: the first frame that is not valgrind's,
# the C or C++ library's or Node-API's lies in the shim or the addon. Every call of the host passes through the shim further down.
our_reports() {
  awk '
    function finish() { if (ours) { print block >"/dev/stderr"; found++ } block = ""; ours = 0; decided = 0; reports += inReport; inReport = 0 }
    { sub(/^==[0-9]+== ?/, "") }
    /^$/ { finish(); next }
    /lost in loss record|^Invalid|uninitialised|^Mismatched|^Syscall param/ { inReport = 1 }
    inReport { block = block $0 "\n" }
    inReport && !decided && /^ +(at|by) / && !/vgpreload|libc\.so|libstdc|: std::|: napi_/ { decided = 1; ours = /virtshim|Napi::|napi-inl/ }
    END { finish(); print (found + 0) " of " (reports + 0) }
  ' "$1"
}
