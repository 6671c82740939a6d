# Keeps a Postgres cluster for as long as standard input is open, so that the
# cluster ends with the process that holds the other end, however that one dies.
#
# Arguments: the folder of the binaries, the folder of the cluster.
# Commands, a line each, answered with "ok" or "failed":
#   start PORT | stop MODE | keep (leave the cluster running at the end of input)
bin=$1
dir=$2
keep=

pg_ctl() { "$bin/pg_ctl" -D "$dir/data" -s -w -t 60 "$@" </dev/null >/dev/null 2>&1; }

finish() {
	[ -n "$keep" ] && return
	pg_ctl -m immediate stop
	cd /
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM
trap '' PIPE # whoever asked may be gone before the answer

while read -r command argument; do
	case $command in
	start) pg_ctl -l "$dir/log" -o "-p $argument" start ;;
	stop) pg_ctl -m "$argument" stop ;;
	keep) keep=yes ;;
	*) false ;;
	esac && echo ok || echo failed
done
