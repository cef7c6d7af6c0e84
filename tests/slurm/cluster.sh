#!/usr/bin/env bash
# A SLURM cluster of one machine, for the tests: tests/slurm/cluster.sh start|stop FOLDER
#
# Controller, node and munge run as root (Debian's slurm-wlm and munge) from FOLDER, which holds their key, states and
# logs; stopping removes it. No systemd, no cgroups, no accounting, so it works in a container too. The node claims two
# cores, a GPU and much memory, so that the profile's requests fit whatever the machine has.
set -euo pipefail

action=$1
folder=$(realpath --canonicalize-missing "$2")
# The executor starts srun without SLURM_CONF; after /etc/slurm, SLURM's programs look here
configuration=/run/slurm/conf

start() {
    for other in /etc/slurm/slurm.conf $configuration/slurm.conf; do
        if [ -e $other ]; then
            echo "$other: this machine has a SLURM configuration; a test's own is removed by: $0 stop FOLDER" >&2
            exit 1
        fi
    done
    mkdir --parents "$folder"/{state,spool} $configuration
    (umask 077 && head --bytes 1024 /dev/urandom >"$folder/munge.key")
    munged --force --socket="$folder/munge.socket" --key-file="$folder/munge.key" --pid-file="$folder/munged.pid" \
        --seed-file="$folder/munge.seed" --log-file="$folder/munged.log" 2>"$folder/munged.err"
    cat >$configuration/slurm.conf <<CONF
ClusterName=tests
SlurmctldHost=$(hostname --short)(127.0.0.1)
SlurmUser=root
SlurmctldPort=46817
SlurmdPort=46818
AuthInfo=socket=$folder/munge.socket
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
GresTypes=gpu
MinJobAge=600
KillWait=5
SchedulerParameters=batch_sched_delay=0,sched_interval=1
NodeName=$(hostname --short) NodeAddr=127.0.0.1 CPUs=2 RealMemory=100000 Gres=gpu:1
PartitionName=cpu Nodes=ALL Default=YES
PartitionName=gpu Nodes=ALL
CONF
    echo "Name=gpu File=/dev/null" >$configuration/gres.conf
    slurmctld -c -f $configuration/slurm.conf 2>"$folder/slurmctld.err"
    slurmd -c -f $configuration/slurm.conf 2>"$folder/slurmd.err"
    for _ in $(seq 100); do
        [ "$(sinfo --noheader --partition cpu --format %T 2>/dev/null)" = idle ] && return
        sleep 0.1
    done
    tail --lines 20 "$folder"/*.log >&2
    exit 1
}

stop() {
    for daemon in slurmd slurmctld munged; do
        pid=$(cat "$folder/$daemon.pid" 2>/dev/null) || continue
        kill "$pid" 2>/dev/null || continue
        timeout 10 tail --pid="$pid" --follow /dev/null || kill -KILL "$pid"
    done
    rm --recursive --force $configuration "$folder"
}

"$action"
