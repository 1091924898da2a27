// SPDX-License-Identifier: Apache-2.0

/// The recipe of the image `base`: the same text as `images/base.json` of the source tree, for a program that was installed without it.
package let baseRecipeText = #"""
    {
        "commands": [
            "bash", "sh",
            "arch?", "b2sum?", "base32?", "base64", "basename", "basenc?", "cat", "chgrp", "chmod", "chown", "chroot", "cksum", "comm",
            "cp", "csplit?", "cut", "date", "dd", "df", "dir?", "dircolors?", "dirname", "du", "echo", "env", "expand", "expr", "factor?",
            "false", "fmt", "fold", "groups", "head", "hostid?", "id", "install", "join", "link", "ln", "logname", "ls", "md5sum", "mkdir",
            "mkfifo", "mknod", "mktemp", "mv", "nice", "nl", "nohup", "nproc", "numfmt", "od", "paste", "pathchk", "pinky?", "pr",
            "printenv", "printf", "ptx?", "pwd", "readlink", "realpath", "rm", "rmdir", "seq", "sha1sum", "sha224sum?", "sha256sum",
            "sha384sum?", "sha512sum", "shred", "shuf", "sleep", "sort", "split", "stat", "stdbuf?", "stty", "sum", "sync", "tac", "tail",
            "tee", "test", "timeout", "touch", "tr", "true", "truncate", "tsort", "tty", "uname", "unexpand", "uniq", "unlink", "users",
            "vdir?", "wc", "who", "whoami", "yes", "[",
            "grep", "egrep?", "fgrep?", "find", "xargs", "sed", "awk?", "mawk?", "gawk?", "diff?", "cmp?", "tar?", "gzip?", "gunzip?",
            "less?", "more?", "vi?", "nano?", "which?", "clear?", "reset?", "tput?", "infocmp?", "getent?", "getopt?", "hostname?",
            "ps?", "top?", "free?", "kill", "pgrep?", "pidof?", "pkill?", "uptime?", "vmstat?", "w?", "watch?", "sysctl?",
            "ip?", "ss?", "ping?", "mount?", "umount?", "findmnt?", "mountpoint?", "lsns?", "nsenter?", "unshare?", "setpriv?", "flock?",
            "su?", "capsh?", "getcap?", "setcap?", "lscpu?", "dmesg?", "prlimit?", "taskset?", "renice?", "setsid?", "script?"
        ],
        "libraries": ["libnss_files.so.2?", "libnss_dns.so.2?", "libgcc_s.so.1?"],
        "terminals": [
            "alacritty?", "ansi?", "dumb?", "foot?", "linux?", "rxvt?", "rxvt-unicode?", "rxvt-unicode-256color?", "screen?",
            "screen-256color?", "tmux?", "tmux-256color?", "vt100?", "vt102?", "vt220?", "xterm?", "xterm-256color?", "xterm-color?",
            "xterm-kitty?"
        ],
        "files": [
            "/etc/ld.so.cache?", "/etc/ld.so.conf?", "/etc/ld.so.conf.d?", "/etc/os-release?", "/etc/protocols?", "/etc/services?",
            "/usr/lib/locale/C.utf8?"
        ],
        "directories": {
            "/dev": "0755", "/etc": "0755", "/home": "0755", "/mnt": "0755", "/opt": "0755", "/proc": "0755", "/root": "0700",
            "/run": "0755", "/run/lock": "1777", "/srv": "0755", "/sys": "0755", "/tmp": "1777", "/usr/local/bin": "0755",
            "/var/cache": "0755", "/var/lib": "0755", "/var/log": "0755", "/var/spool": "0755", "/var/tmp": "1777"
        },
        "links": {
            "/etc/mtab": "/proc/self/mounts", "/var/lock": "/run/lock", "/var/run": "/run"
        },
        "texts": {
            "/etc/passwd": [
                "root:x:0:0:root:/root:/bin/bash",
                "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin",
                "bin:x:2:2:bin:/bin:/usr/sbin/nologin",
                "www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin",
                "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin"
            ],
            "/etc/group": [
                "root:x:0:",
                "daemon:x:1:",
                "bin:x:2:",
                "adm:x:4:",
                "tty:x:5:",
                "disk:x:6:",
                "www-data:x:33:",
                "utmp:x:43:",
                "staff:x:50:",
                "users:x:100:",
                "nogroup:x:65534:"
            ],
            "/etc/nsswitch.conf": [
                "passwd: files",
                "group: files",
                "shadow: files",
                "hosts: files dns",
                "networks: files",
                "protocols: files",
                "services: files"
            ],
            "/etc/hosts": [
                "127.0.0.1\tlocalhost",
                "::1\tlocalhost ip6-localhost ip6-loopback"
            ],
            "/etc/profile": [
                "export PS1='\\u@\\h:\\w\\$ '"
            ],
            "/root/.bashrc": [
                "PS1='\\u@\\h:\\w\\$ '",
                "alias ls='ls --color=auto'",
                "alias ll='ls -l'"
            ]
        },
        "config": {
            "Cmd": ["/bin/bash"],
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"],
            "WorkingDir": "/"
        }
    }

    """#
