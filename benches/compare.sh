#!/usr/bin/env bash
# Times the release binary against squawk on 5,000 SQL migrations and against zdm on 2,000 Alembic scripts, in
# turn on the same files, and a whole check against only parsing. Prints ratios; needs Python with pip. Figures depend on the machine, ratios less so.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cargo build --release --example bare_parse --bin whimbrel
release=${CARGO_TARGET_DIR:-target}/release
whimbrel=$release/whimbrel
venv=${WHIMBREL_BENCH_VENV:-$work/venv}
[ -x "$venv/bin/squawk" ] || { python3 -m venv "$venv"; "$venv/bin/pip" install -q squawk-cli zdm; }

python3 benches/generate.py sql 5000 "$work/sql"
python3 benches/generate.py alembic 2000 "$work/alembic"

# The best of some runs, in milliseconds.
best() {
  python3 - "$@" <<'P'
import subprocess, sys, time
best = None
for _ in range(7):
    start = time.perf_counter()
    subprocess.run(["bash", "-c", sys.argv[1]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    took = (time.perf_counter() - start) * 1000
    best = took if best is None or took < best else best
print(f"{best:.1f}")
P
}
ratio() { python3 -c "print(f'{$1 / $2:.2f}')"; }

ours=$(best "$whimbrel check --exit-zero --format json $work/sql")
theirs=$(best "$venv/bin/squawk $work/sql/*.sql")
echo "5,000 SQL migrations: whimbrel $ours ms, squawk $theirs ms, $(ratio "$theirs" "$ours") times faster"

ours_python=$(best "$whimbrel check --exit-zero --format json $work/alembic")
theirs_python=$(best "$venv/bin/zdm $work/alembic/versions")
echo "2,000 Alembic scripts: whimbrel $ours_python ms, zdm $theirs_python ms, $(ratio "$theirs_python" "$ours_python") times faster"

for kind in sql alembic; do
  parse=$(best "$release/examples/bare_parse $work/$kind")
  whole=$(best "$whimbrel check --exit-zero --format json $work/$kind")
  echo "$kind: a whole check takes $(ratio "$whole" "$parse") times its bare parse ($whole ms, $parse ms)"
done

python3 benches/generate.py alembic 500 "$work/five_hundred"
file=$(ls "$work"/five_hundred/versions/*.py | tail -1)
echo "one changed file in a history of 500: $(best "$whimbrel check --exit-zero $file") ms"
python3 benches/generate.py sql 500 "$work/five_hundred_sql"
echo "one changed SQL file in a history of 500: $(best "$whimbrel check --exit-zero $work/five_hundred_sql/000500_step.up.sql") ms"

for count in 1000 10000 50000; do
  python3 benches/generate.py sql $count "$work/linear$count"
  took=$(best "$whimbrel check --exit-zero --format json $work/linear$count")
  memory=$(python3 -c "
import resource, subprocess, sys
subprocess.run(['$whimbrel', 'check', '--exit-zero', '--format', 'json', '$work/linear$count'], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)")
  echo "$count SQL migrations: $took ms, $memory MiB"
done
