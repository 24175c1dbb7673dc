/** What the installed libvirt-python offers: read from its source, nothing of it is run. */
import { execFileSync } from 'node:child_process';

/** `virDomain` -> `info` -> the C functions that the method calls. */
export type PythonClasses = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

const program = `
import ast, importlib.util, json
found = {}
for module in ('libvirt', 'libvirt_qemu', 'libvirt_lxc'):
    tree = ast.parse(open(importlib.util.find_spec(module).origin).read())
    for node in tree.body:
        owner = node.name if isinstance(node, ast.ClassDef) else module
        for method in node.body if isinstance(node, ast.ClassDef) else [node]:
            if not isinstance(method, ast.FunctionDef): continue
            found.setdefault(owner, {})[method.name] = sorted({
                each.attr for each in ast.walk(method)
                if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name)
                and each.value.id.startswith('libvirtmod')})
print(json.dumps(found))
`;

/** Throws where python3-libvirt is not installed. */
export function readLibvirtPython(): PythonClasses {
  return JSON.parse(execFileSync('/usr/bin/python3', ['-c', program], { encoding: 'utf8' })) as PythonClasses;
}
