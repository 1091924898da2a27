// SPDX-License-Identifier: Apache-2.0

/// A specification that uses every field there is on Linux, in the order in which this project writes them.
let fullSpec = #"""
    {
        "ociVersion": "1.2.0",
        "process": {
            "terminal": true,
            "consoleSize": { "height": 24, "width": 80 },
            "user": { "uid": 1000, "gid": 100, "umask": 18, "additionalGids": [10, 20], "username": "me" },
            "args": ["/bin/sh", "-c", "echo \"hi\"\n"],
            "env": ["PATH=/usr/bin:/bin", "LANG=C.UTF-8"],
            "cwd": "/work",
            "capabilities": {
                "bounding": ["CAP_CHOWN", "CAP_KILL"],
                "effective": ["CAP_CHOWN"],
                "inheritable": [],
                "permitted": ["CAP_CHOWN"],
                "ambient": ["CAP_KILL"]
            },
            "rlimits": [
                { "type": "RLIMIT_NOFILE", "soft": 1024, "hard": 18446744073709551615 },
                { "type": "RLIMIT_CORE", "soft": 0, "hard": 0 }
            ],
            "noNewPrivileges": true,
            "apparmorProfile": "default",
            "oomScoreAdj": -500,
            "scheduler": {
                "policy": "SCHED_DEADLINE", "nice": 5, "priority": 0, "flags": ["SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_RECLAIM"],
                "runtime": 1000000, "deadline": 2000000, "period": 3000000
            },
            "selinuxLabel": "system_u:system_r:container_t:s0",
            "ioPriority": { "class": "IOPRIO_CLASS_BE", "priority": 4 },
            "execCPUAffinity": { "initial": "0-1", "final": "2,3" }
        },
        "root": { "path": "rootfs", "readonly": true },
        "hostname": "box",
        "domainname": "example.org",
        "mounts": [
            { "destination": "/proc", "type": "proc", "source": "proc" },
            {
                "destination": "/data", "type": "bind", "source": "/srv/data", "options": ["rbind", "ro", "idmap"],
                "uidMappings": [{ "containerID": 0, "hostID": 100000, "size": 65536 }],
                "gidMappings": [{ "containerID": 0, "hostID": 100000, "size": 65536 }]
            }
        ],
        "hooks": {
            "prestart": [{ "path": "/bin/a" }],
            "createRuntime": [{ "path": "/bin/b", "args": ["b", "1"], "env": ["X=1"], "timeout": 5 }],
            "createContainer": [{ "path": "/bin/c" }],
            "startContainer": [{ "path": "/bin/d" }],
            "poststart": [{ "path": "/bin/e" }],
            "poststop": [{ "path": "/bin/f" }]
        },
        "annotations": { "org.example.a": "1", "org.example.b": "" },
        "linux": {
            "namespaces": [
                { "type": "pid" }, { "type": "network", "path": "/run/netns/x" }, { "type": "mount" }, { "type": "ipc" }, { "type": "uts" },
                { "type": "user" }, { "type": "cgroup" }, { "type": "time" }
            ],
            "uidMappings": [{ "containerID": 0, "hostID": 1000, "size": 1 }, { "containerID": 1, "hostID": 100000, "size": 65535 }],
            "gidMappings": [{ "containerID": 0, "hostID": 1000, "size": 1 }],
            "timeOffsets": { "boottime": { "secs": -5 }, "monotonic": { "secs": 172800, "nanosecs": 7 } },
            "devices": [
                { "path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 438, "uid": 0, "gid": 0 },
                { "path": "/dev/pipe", "type": "p" }
            ],
            "netDevices": { "eth1": { "name": "lan" }, "eth2": {} },
            "cgroupsPath": "/user/box",
            "resources": {
                "devices": [
                    { "allow": false, "access": "rwm" },
                    { "allow": true, "type": "c", "major": 10, "minor": 229, "access": "rw" }
                ],
                "memory": {
                    "limit": 536870912, "reservation": 268435456, "swap": -1, "kernel": -1, "kernelTCP": -1, "swappiness": 60,
                    "disableOOMKiller": false, "useHierarchy": true, "checkBeforeUpdate": true
                },
                "cpu": {
                    "shares": 1024, "quota": 50000, "burst": 10000, "period": 100000, "realtimeRuntime": 950000,
                    "realtimePeriod": 1000000, "cpus": "0-3", "mems": "0", "idle": 0
                },
                "pids": { "limit": 100 },
                "blockIO": {
                    "weight": 500, "leafWeight": 10,
                    "weightDevice": [{ "major": 8, "minor": 0, "weight": 500, "leafWeight": 300 }],
                    "throttleReadBpsDevice": [{ "major": 8, "minor": 0, "rate": 600 }],
                    "throttleWriteBpsDevice": [{ "major": 8, "minor": 1, "rate": 700 }],
                    "throttleReadIOPSDevice": [{ "major": 8, "minor": 2, "rate": 800 }],
                    "throttleWriteIOPSDevice": [{ "major": 8, "minor": 3, "rate": 900 }]
                },
                "hugepageLimits": [{ "pageSize": "2MB", "limit": 9223372036854772000 }],
                "network": { "classID": 1048577, "priorities": [{ "name": "eth0", "priority": 500 }] },
                "rdma": { "mlx5_1": { "hcaHandles": 3, "hcaObjects": 10000 } },
                "unified": { "io.max": "259:0 rbps=2097152 wiops=120", "memory.high": "500M" }
            },
            "rootfsPropagation": "slave",
            "seccomp": {
                "defaultAction": "SCMP_ACT_ERRNO",
                "defaultErrnoRet": 38,
                "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X32"],
                "flags": ["SECCOMP_FILTER_FLAG_LOG"],
                "listenerPath": "/run/agent.sock",
                "listenerMetadata": "m",
                "syscalls": [
                    { "names": ["read", "write"], "action": "SCMP_ACT_ALLOW" },
                    {
                        "names": ["clone"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1,
                        "args": [{ "index": 0, "value": 2114060288, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ" }]
                    }
                ]
            },
            "sysctl": { "net.ipv4.ip_forward": "1", "net/ipv4/conf/eth0.1/forwarding": "1" },
            "maskedPaths": ["/proc/kcore"],
            "readonlyPaths": ["/proc/sys"],
            "mountLabel": "system_u:object_r:container_file_t:s0",
            "personality": { "domain": "LINUX", "flags": [] },
            "memoryPolicy": { "mode": "MPOL_INTERLEAVE", "nodes": "0-1", "flags": ["MPOL_F_STATIC_NODES"] },
            "intelRdt": {
                "closID": "guaranteed", "schemata": ["L3:0=7f0"], "l3CacheSchema": "L3:0=7f0;1=1f", "memBwSchema": "MB:0=20;1=70",
                "enableCMT": true, "enableMBM": false, "enableMonitoring": true
            }
        }
    }
    """#
