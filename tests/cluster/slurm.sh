#!/usr/bin/env bash
# A one-node Slurm with two pretended GPUs, for the tests of the Slurm executor. Debian or Ubuntu, as root.
#
#   slurm.sh install             apt-get installs slurm-wlm and munge (nothing else here installs anything)
#   slurm.sh start  [FOLDER]     starts it, unless it runs, and prints what to type to use it
#   slurm.sh status [FOLDER]     says whether it runs and lists its jobs; exit code 1 where it does not
#   slurm.sh stop   [FOLDER]     cancels its jobs and ends its processes
#   slurm.sh smoke  [RESULTS [OPTION ...]]
#                                runs the suite with MMLIB_PROFILE=smoke by `snakemake --profile profiles/slurm OPTION
#                                ...` on a Slurm of its own, says which jobs ran, and stops it; exit code of Snakemake
#
# Settings, keys, state, logs and sockets stay in FOLDER, which has to be empty or one of ours, in a place that all may
# enter: by default mmlib-slurm in the folder of temporary files. Slurm's own places (/etc/slurm, /run, /var) are left
# alone. MMLIB_SLURM_CPUS: the number of CPUs that the node pretends to have, by default those it has. PYTHON: the one
# with mmlib and Snakemake.
set -euo pipefail

ROOT=$(cd "$(dirname "$0")/../.." && pwd)
DEFAULT_FOLDER=${TMPDIR:-/tmp}/mmlib-slurm
SECONDS_TO_WAIT=20
# Debian keeps the daemons where only root's PATH leads to.
PATH=$PATH:/usr/sbin

fail() {
    echo "slurm.sh: $*" >&2
    exit 2
}

main() {
    local verb=${1:-}
    case $verb in
        install | start | status | stop) [ $# -le 2 ] || fail "$verb takes one folder, got: ${*:2}" ;;
        smoke) ;;
        *) fail "expected install, start, status, stop or smoke, got '$verb'. The head of this file explains them." ;;
    esac
    [ "$(id -u)" = 0 ] || fail "root is needed, as slurmd starts jobs for any user. Run it as root."
    if [ "$verb" = smoke ]; then
        use_folder "$(mktemp -d -t mmlib-slurm-XXXXXX)"
        smoke "${2:-$(mktemp -d -t mmlib-smoke-XXXXXX)}" "${@:3}"
    else
        use_folder "${2:-$DEFAULT_FOLDER}"
        "$verb"
    fi
}

use_folder() {
    FOLDER=$(realpath -m "$1")
    # The one setting by which Slurm's daemons and commands find each other, here and in everything started from here.
    export SLURM_CONF=$FOLDER/slurm.conf
}

install() {
    apt-get update
    # The packages start their daemons; one without a slurm.conf only fails, so none is started.
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends slurm-wlm munge
}

# ---- start -----------------------------------------------------------------------------------------------------------
start() {
    check_place
    if all_run; then
        say_how "already runs"
        return 0
    fi
    # What is left of one that was killed, and what is there of this one should it not come up.
    stop >/dev/null
    trap 'stop >/dev/null' EXIT
    write_folder
    "$(daemon munged)" --key-file "$FOLDER/munge/key" --socket "$FOLDER/munge/socket" --seed-file "$FOLDER/munge/seed" \
        --pid-file "$FOLDER/munged.pid" --log-file "$FOLDER/munge/log"
    "$(daemon slurmctld)"
    "$(daemon slurmd)"
    wait_until "the node is ready (see slurmctld.log and slurmd.log in $FOLDER)" node_is_idle
    trap - EXIT
    say_how "runs"
}

check_place() {
    local name
    for name in munged slurmctld slurmd; do
        command -v "$name" >/dev/null || fail "$name is missing. Install it: $0 install (Debian, Ubuntu)."
    done
    if [ -e /etc/slurm/slurm.conf ] && pgrep -x slurmctld >/dev/null; then
        fail "this machine has a Slurm of its own (/etc/slurm/slurm.conf, and slurmctld runs), which is left alone."
    fi
    if [ -d "$FOLDER" ] && [ ! -e "$SLURM_CONF" ] && [ -n "$(ls -A "$FOLDER")" ]; then
        fail "$FOLDER is neither empty nor a folder of this script: name another one."
    fi
}

daemon() {
    command -v "$1"
}

write_folder() {
    rm -rf "$FOLDER"
    mkdir -p "$FOLDER"/{munge,state,spool,bin}
    # munged serves nobody from a folder that others may not enter, or may write to.
    chmod 755 "$FOLDER" "$FOLDER/munge"
    (umask 077 && head -c 128 /dev/urandom >"$FOLDER/munge/key")
    # Slurm asks for device files and opens none, as no cgroup guards them here; the number in the name is the GPU's.
    ln -s /dev/null "$FOLDER/gpu0"
    ln -s /dev/null "$FOLDER/gpu1"
    echo "Name=gpu File=$FOLDER/gpu[0-1]" >"$FOLDER/gres.conf"
    write_slurm_conf >"$SLURM_CONF"
    write_srun "$(command -v srun)" >"$FOLDER/bin/srun"
    chmod +x "$FOLDER/bin/srun"
}

write_slurm_conf() {
    local host
    host=$(hostname -s)
    read -r ctld_port slurmd_port < <(free_ports)
    cat <<END
ClusterName=mmlib
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$ctld_port
SlurmdPort=$slurmd_port
# Heard on this machine only.
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$FOLDER/munge/socket
CredType=cred/munge
StateSaveLocation=$FOLDER/state
SlurmdSpoolDir=$FOLDER/spool
SlurmctldPidFile=$FOLDER/slurmctld.pid
SlurmdPidFile=$FOLDER/slurmd.pid
SlurmctldLogFile=$FOLDER/slurmctld.log
SlurmdLogFile=$FOLDER/slurmd.log
# Containers seldom let cgroups be made.
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
# Jobs that ended stay in squeue for a day, as nothing else remembers them without accounting.
MinJobAge=86400
KillWait=3
GresTypes=gpu
# More may be pretended than there is. CPUs and GPUs alone decide how many jobs run; any wish for memory is let in.
SlurmdParameters=config_overrides
NodeName=$host NodeAddr=127.0.0.1 CPUs=${MMLIB_SLURM_CPUS:-$(nproc)} RealMemory=1000000 Gres=gpu:2
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
END
}

free_ports() {
    python3 -c 'import socket
both = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(one.getsockname()[1] for one in both))'
}

# The executor takes every SLURM_ variable but a few away from the srun inside a job (plugin slurm-jobstep 0.6.1), so
# that srun finds its settings in /etc/slurm only. This one, first in PATH, brings ours back.
write_srun() {
    printf '#!/bin/sh\nSLURM_CONF=%q exec %q "$@"\n' "$SLURM_CONF" "$1"
}

say_how() {
    echo "Slurm $1 in $FOLDER. To use it:"
    echo "export SLURM_CONF=$SLURM_CONF PATH=$FOLDER/bin:\$PATH"
}

# ---- what is there ---------------------------------------------------------------------------------------------------
status() {
    if ! all_run; then
        echo "no Slurm runs in $FOLDER"
        return 1
    fi
    say_how "runs"
    sinfo
    squeue --states=all
}

# True where the process that FOLDER knows by this name lives. Its number alone may belong to another one by now, or to
# a dead one that nobody has asked after; that has no program.
runs() {
    local pid
    pid=$(cat "$FOLDER/$1.pid" 2>/dev/null) && [ "$(readlink "/proc/$pid/exe")" = "$(realpath "$(daemon "$1")")" ]
}

all_run() {
    runs munged && runs slurmctld && runs slurmd
}

node_is_idle() {
    [ "$(sinfo --noheader --format=%T 2>/dev/null)" = idle ]
}

no_job_is_left() {
    # squeue says nothing, too, when it has no answer.
    local jobs
    jobs=$(squeue --noheader 2>/dev/null) && [ -z "$jobs" ]
}

# The 0 of return is meant: in the trap of a script that ends with 1, return alone would give 1.
wait_until() {
    local what=$1 moment
    shift
    for ((moment = 0; moment < 10 * SECONDS_TO_WAIT; moment++)); do
        if "$@"; then return 0; fi
        sleep 0.1
    done
    fail "waited $SECONDS_TO_WAIT s in vain until $what."
}

# ---- stop ------------------------------------------------------------------------------------------------------------
stop() {
    if all_run; then
        squeue --noheader --format=%A | xargs --no-run-if-empty scancel
        wait_until "all jobs are cancelled (kill them by hand: squeue)" no_job_is_left
    fi
    end slurmctld
    end slurmd
    end_jobs
    end munged
    echo "no Slurm runs in $FOLDER"
}

gone() {
    ! runs "$1"
}

end() {
    runs "$1" || return 0
    kill "$(cat "$FOLDER/$1.pid")"
    if ! (wait_until "$1 ends" gone "$1") 2>/dev/null; then
        kill -9 "$(cat "$FOLDER/$1.pid")"
    fi
}

# The keepers of jobs outlive slurmd, and a process of a job may outlive its keeper. They are known by their variables.
end_jobs() {
    local file pid
    for file in $(grep --files-with-matches --null-data --line-regexp --fixed-strings --no-messages \
        "SLURM_CONF=$SLURM_CONF" /proc/[0-9]*/environ); do
        pid=$(basename "$(dirname "$file")")
        if pgrep -x slurmstepd | grep -qx "$pid" || grep -qzs "^SLURM_JOB_ID=" "$file"; then
            kill -9 "$pid" 2>/dev/null || true
        fi
    done
}

# ---- smoke -----------------------------------------------------------------------------------------------------------
smoke() {
    local results python=${PYTHON:-$ROOT/.venv/bin/python} code=0 began
    results=$(realpath -m "$1")
    "$python" -c "import mmlib, snakemake_executor_plugin_slurm" ||
        fail "$python lacks mmlib or snakemake-executor-plugin-slurm: install them, or name another as PYTHON."
    start
    trap 'stop; rm -rf "$FOLDER"' EXIT
    cd "$ROOT"
    began=$SECONDS
    # Without accounting squeue has to tell how jobs ended. Jobs of seconds are looked at more often than usual.
    MMLIB_PROFILE=smoke MMLIB_RESULTS=$results PATH=$FOLDER/bin:$PATH "$python" -m snakemake --profile profiles/slurm \
        --slurm-status-command squeue --slurm-init-seconds-before-status-checks 5 --seconds-between-status-checks 2 \
        "${@:2}" || code=$?
    echo
    echo "Snakemake ended with $code after $((SECONDS - began)) s; results in $results. Slurm jobs by rule and end:"
    squeue --states=all --noheader --format="%k %T" | sed -E 's/^rule_//; s/_wildcards_[^ ]*//' | sort | uniq --count
    return "$code"
}

main "$@"
