#!/usr/bin/env bash
# Runs fuzz tests one after the other, each for a time. It may be ended at any
# moment: bin/fuzz.state keeps how long each has been run and how often, and the next
# call goes on from there. Delete it, or a line of it, to begin anew. Inputs that Go finds
# interesting stay in its cache; one that fails is written to testdata/fuzz/<target>,
# from where every `go test` runs it again: commit it with the repair.
# usage: fuzz.sh [time=10m] [target=<name>]
set -uo pipefail
cd "$(dirname "$0")/.."

time=10m
target=
for arg in "$@"; do
	case $arg in
	time=?*) time=${arg#time=} ;;
	target=?*) target=${arg#target=} ;;
	time= | target=) ;;
	*)
		echo "usage: fuzz.sh [time=10m] [target=FuzzCheck]" >&2
		exit 2
		;;
	esac
done

# seconds turns 90s, 10m or 2h into seconds.
seconds() {
	local unit=${1##*[0-9]} number=${1%[smh]}
	case $number in '' | *[!0-9]*) return 1 ;; esac
	case $unit in
	s) echo "$number" ;;
	m) echo $((number * 60)) ;;
	h) echo $((number * 3600)) ;;
	*) return 1 ;;
	esac
}
want=$(seconds "$time") || {
	echo "fuzz.sh: write the time like 30s, 10m or 1h, not $time" >&2
	exit 2
}

readonly slice=60 # seconds between two notes in the state
state=bin/fuzz.state
mkdir -p bin
touch "$state"

# recorded prints a target's seconds and executions, and note replaces them.
recorded() { awk -v name="$1" '$1 == name { s = $2; n = $3 } END { print s + 0, n + 0 }' "$state"; }
note() {
	awk -v name="$1" '$1 != name' "$state" >"$state.new"
	echo "$1 $2 $3 $(date -u +%Y-%m-%dT%H:%M:%SZ) $4" >>"$state.new"
	sort -o "$state" "$state.new"
	rm -f "$state.new"
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'echo "ended; call it again to go on"; exit 130' INT TERM

failed=
found=
while IFS=: read -r file _ line; do
	name=${line#func }
	name=${name%%(*}
	package=$(dirname "$file")
	[ -z "$target" ] || [ "$target" = "$name" ] || continue
	found=yes
	key=${package#./}:$name
	read -r spent runs <<<"$(recorded "$key")"
	[ "$spent" -lt "$want" ] || echo "$key: done before: $spent s, $runs executions"
	while [ "$spent" -lt "$want" ]; do
		now=$((want - spent < slice ? want - spent : slice))
		began=$SECONDS
		(cd "$package" && go test -run '^$' -fuzz "^$name\$" -fuzztime "${now}s" -parallel 2 .) >"$log" 2>&1 </dev/null
		result=$?
		executed=$(grep -o 'execs: [0-9]*' "$log" | tail -1 | tr -dc 0-9)
		runs=$((runs + ${executed:-0}))
		if [ $result -ne 0 ]; then
			spent=$((spent + SECONDS - began))
			note "$key" "$spent" "$runs" failed
			cat "$log" >&2
			failed="$failed $name"
			break
		fi
		spent=$((spent + now))
		note "$key" "$spent" "$runs" ok
		echo "$key: $spent of $want s, $runs executions"
	done
done < <(grep -rn '^func Fuzz' --include='*_test.go' . | sort)

if [ -z "$found" ]; then
	echo "fuzz.sh: there is no target ${target:-at all}" >&2
	exit 2
fi
if [ -n "$failed" ]; then
	echo "failed:$failed; see above. An input that fails is in testdata/fuzz" >&2
	exit 1
fi
