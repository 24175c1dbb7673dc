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
