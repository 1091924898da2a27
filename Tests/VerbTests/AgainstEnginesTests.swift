// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Testing

/// The same scripts are given to this program and to docker's and podman's clients, where those are installed, and what is printed and
/// with which exit status is compared.
@Suite(.serialized, .enabled(if: Root.isUsable)) struct AgainstEnginesTests {
    /// One thing to compare: `E` is the engine, `run` and `create` are its verbs with flags that it needs on such machines.
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let script: String
        /// Engines that differ on purpose.
        var besides: [String] = []
        var testDescription: String { name }
    }

    static let cases = [
        Case(name: "streams and exit code", script: "run --rm base sh -c 'echo out; echo err >&2; exit 3' 2>err; echo $?; cat err"),
        Case(name: "no such program", script: "run --rm base /nope 2>/dev/null; echo $?"),
        Case(name: "not executable", script: "run --rm base /etc/passwd 2>/dev/null; echo $?"),
        Case(name: "killed by a signal", script: "run --rm base sh -c 'kill -9 $$'; echo $?"),
        Case(name: "an unknown option", script: "run --colour base true 2>/dev/null; echo $?"),
        Case(name: "no such image", script: "$E image inspect nosuch 2>/dev/null; echo $?", besides: ["podman"]),
        Case(
            name: "who and where",
            script: "run --rm -e A=b -e C -w /tmp -u 1000:7 -h box base sh -c 'echo $A-$C-$PWD; id -u; id -g; hostname'"),
        Case(name: "home", script: "run --rm -u 1000 base sh -c 'echo $HOME'; run --rm base sh -c 'echo $HOME'", besides: ["podman"]),
        Case(name: "groups", script: "run --rm -u 1000 --group-add 5 --group-add 9 base id -G"),
        Case(name: "input", script: "echo hello | run --rm -i base cat; echo hello | run --rm base cat"),
        Case(name: "entrypoint", script: "run --rm --entrypoint echo base a b; run --rm --entrypoint '' base echo c"),
        Case(
            name: "the environment",
            script: "run --rm -e PATH=/bin base env | grep -v -e ^HOSTNAME -e ^container= -e ^LANG= -e ^TERM= | sort"),
        Case(name: "read-only", script: "run --rm --read-only base sh -c 'touch /x 2>/dev/null; echo $?; touch /dev/shm/x; echo $?'"),
        Case(
            name: "a folder",
            script: "mkdir -p f; echo 1 > f/a; run --rm -v $PWD/f:/m:ro base sh -c 'cat /m/a; touch /m/b 2>/dev/null; echo $?'"),
        Case(
            name: "a volume",
            script:
                "run --rm -v vol:/v base sh -c 'echo 1 > /v/a'; run --rm -v vol:/v base cat /v/a; $E volume ls -q; $E volume rm vol; echo $?"
        ),
        Case(
            name: "tmpfs",
            script: "run --rm --tmpfs /t:size=1m base sh -c 'stat -f -c %T /t; df -k /t | tail -1 | tr -s \" \" | cut -d\" \" -f2'"),
        Case(
            name: "stop and wait",
            script: "run -d --name one base sleep 1000 >/dev/null; $E stop -t 0 one; $E wait one; $E stop one; echo $?; $E rm one; echo $?"),
        Case(
            name: "kill",
            script: "run -d --name one base sleep 1000 >/dev/null; $E kill one; $E wait one; $E kill one 2>/dev/null; echo $?; $E rm one",
            besides: ["podman"]),
        Case(
            name: "a handler",
            script:
                "run -d --name one base sh -c 'trap \"exit 9\" TERM; while :; do sleep 0.1; done' >/dev/null; sleep 0.5; $E stop one; $E wait one; $E rm one"
        ),
        Case(
            name: "start again",
            script: "create --name one base echo again >/dev/null; $E start -a one; $E start -a one; echo $?; $E rm one"),
        Case(
            name: "restart",
            script: "run -d --name one base sleep 1000 >/dev/null; $E restart -t 0 one; $E ps --format '{{.Names}}'; $E rm -f one"),
        Case(
            name: "pause",
            script:
                "run -d --name one base sleep 1000 >/dev/null; $E pause one; $E inspect -f '{{.State.Status}}' one; $E unpause one; $E inspect -f '{{.State.Status}}' one; $E rm -f one"
        ),
        Case(
            name: "exec",
            script:
                "run -d --name one -e A=1 base sleep 1000 >/dev/null; $E exec -e B=2 -w /tmp one sh -c 'echo $A$B $PWD; exit 5'; echo $?; $E exec one nope >/dev/null 2>&1 || echo failed; $E exec -u 7 one id -u; $E rm -f one"
        ),
        Case(
            name: "logs",
            script:
                "run --name one base sh -c 'echo 1; sleep 0.2; echo 2 >&2; sleep 0.2; echo 3' >/dev/null 2>&1; $E logs one 2>/dev/null; $E logs --tail 1 one; $E logs --since 1h one 2>/dev/null | wc -l; $E rm one"
        ),
        Case(
            name: "rename",
            script:
                "create --name one base true >/dev/null; $E rename one two; $E ps -a --format '{{.Names}}'; $E rm two; $E rename two one 2>/dev/null; echo $?",
            besides: ["podman"]),
        Case(
            name: "ps filters",
            script:
                "run -d --name one -l a=b base sleep 1000 >/dev/null; run --name two base sh -c 'exit 4'; for f in name=one label=a=b status=exited exited=4 exited=0; do echo $f $($E ps -a --filter $f --format '{{.Names}}'); done; $E ps -q | wc -l; $E rm -f one two | sort"
        ),
        Case(
            name: "inspect",
            script:
                "create --name one -e A=b -l c=d -w /tmp --stop-signal USR1 base sleep 5 >/dev/null; $E inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.Config.WorkingDir}} {{.Config.Cmd}} {{index .Config.Labels \"c\"}}' one; $E rm one"
        ),
        Case(
            name: "copy",
            script:
                "create --name one base true >/dev/null; echo hi > file; $E cp file one:/tmp/ 2>/dev/null; $E cp one:/tmp/file - 2>/dev/null | tar -x -O; $E cp one:/tmp/file back 2>/dev/null; cat back; $E cp one:/nope . 2>/dev/null || echo failed; $E rm one"
        ),
        Case(
            name: "diff",
            script:
                "run --name one base sh -c 'echo > /etc/new; rm /etc/passwd; mkdir /d; echo > /d/e' ; $E diff one | grep -v -e /run -e /dev -e /proc -e /sys -e 'C /$' | sort; $E rm one"
        ),
        Case(
            name: "export",
            script: "create --name one base true >/dev/null; $E export one | tar -t | grep -e ^etc/passwd -e ^usr/bin/sh$; $E rm one",
            besides: ["podman"]),
        Case(
            name: "commit",
            script:
                "run --name one base sh -c 'echo new > /new'; $E commit -c 'CMD [\"cat\", \"/new\"]' one img >/dev/null; run --rm img; $E rm one; $E rmi img >/dev/null; echo $?",
            besides: ["podman"]),
        Case(
            name: "tags",
            script:
                "$E tag base other:1; $E images --format '{{.Repository}}:{{.Tag}}' | grep -c other:1; $E rmi other:1 >/dev/null; echo $?; $E rmi other:1 2>/dev/null; echo $?"
        ),
        Case(
            name: "names",
            script:
                "create --name one base true >/dev/null; create --name one base true 2>/dev/null; echo $?; $E rm one; $E rm one 2>/dev/null; echo $?",
            besides: ["podman"]),
        Case(
            name: "several at once",
            script:
                "run -d --name one base sleep 1000 >/dev/null; run -d --name two base sleep 1000 >/dev/null; $E stop -t 0 one nosuch two 2>/dev/null | sort; $E rm one two | sort; echo $?",
            besides: ["podman"]),
        Case(
            name: "removing one that runs",
            script: "run -d --name one base sleep 1000 >/dev/null; $E rm one >/dev/null 2>&1; echo $?; $E rm -f one", besides: ["podman"]),
        Case(
            name: "automatic removal",
            script:
                "run --rm --name one base true; $E ps -aq --filter name=one | wc -l; run -d --rm --name two base sleep 0.1 >/dev/null; sleep 1; $E ps -aq | wc -l"
        ),
        Case(name: "init", script: "run --rm --init base sh -c 'readlink /proc/self/exe | wc -l; [ $$ = 1 ]; echo $?'"),
        Case(
            name: "capabilities",
            script:
                "run --rm --cap-drop ALL --cap-add KILL base grep CapEff /proc/self/status; run --rm -u 1 base grep CapEff /proc/self/status"
        ),
        Case(name: "limits of a process", script: "run --rm --ulimit core=0:0 base sh -c 'ulimit -c'"),
        Case(name: "umask and working directory", script: "run --rm -w /made/here base sh -c 'umask; pwd'", besides: ["podman"]),
        Case(
            name: "update",
            script:
                "run -d --name one -m 64m base sleep 1000 >/dev/null; $E update --memory 96m --memory-swap 192m one; $E inspect -f '{{.HostConfig.Memory}}' one; $E update --memory 5g one >/dev/null 2>&1; $E update --cpu-shares 5 nosuch 2>/dev/null; echo $?; $E rm -f one",
            besides: ["podman"]),
        Case(name: "port", script: "run -d --name one base sleep 1000 >/dev/null; $E port one; echo $?; $E rm -f one"),
        Case(
            name: "top",
            script:
                "run -d --name one base sleep 1000 >/dev/null; $E top one -o pid,args | tail -1 | tr -s ' ' | cut -d' ' -f2-; $E rm -f one",
            besides: ["podman"]),
        Case(
            name: "events",
            script:
                "run --rm --name ev base true; sleep 1.1; $E events --since 30s --until 0s --filter container=ev --format '{{.Action}}' | grep -v -e network -e kill -e exec | tr '\\n' ' '",
            besides: ["podman"]),
        Case(
            name: "volumes",
            script:
                "$E volume create data; $E volume create data; $E volume inspect -f '{{.Name}} {{.Driver}}' data; $E volume rm data; $E volume rm data 2>/dev/null; echo $?",
            besides: ["podman"]),
        Case(
            name: "labels of volumes",
            script:
                "$E volume create --label a=b one; $E volume create two; $E volume ls -q -f label=a; $E volume ls -q -f name=two; $E volume ls --format '{{.Labels}}' -f name=one; $E volume create -o foo=bar three 2>/dev/null || echo failed; $E volume rm one two",
            besides: ["podman"]),
        Case(
            name: "volumes of others",
            script:
                "create --name one -v /data -v named:/n:ro base true >/dev/null; run --rm --volumes-from one base sh -c 'echo 1 >/data/a; touch /n/a 2>/dev/null || echo ro'; run --rm --volumes-from one:ro base sh -c 'cat /data/a; touch /data/b 2>/dev/null || echo ro'; $E rm -v one; $E volume ls -q; $E volume rm named"
        ),
        Case(
            name: "attached streams",
            script:
                "run --rm -a stderr base sh -c 'echo out; echo err >&2; exit 4' 2>&1; echo $?; run -d -a stdout base true >/dev/null 2>&1 || echo failed; echo hello | run -i -a stdin --name one base cat >/dev/null; echo $?; $E wait one; $E logs one; $E rm one",
            besides: ["podman"]),
        Case(
            name: "shared memory",
            script:
                "run -d --name one --ipc shareable base sleep 1000 >/dev/null; $E exec one sh -c 'echo 1 >/dev/shm/x'; run --rm --ipc container:one base cat /dev/shm/x; run --rm --ipc none base sh -c 'ls -d /dev/shm 2>/dev/null; grep -c /dev/shm /proc/mounts'; run -d --name two --ipc private base sleep 1000 >/dev/null; run --rm --ipc container:two base true 2>/dev/null; echo $?; $E rm -f one two",
            besides: ["podman"]),
        Case(name: "another platform", script: "run --rm --platform linux/arm64 base true >/dev/null 2>&1; echo $?"),
        Case(
            name: "a detached exec",
            script:
                "run -d --name behind base sleep 1000 >/dev/null; $E exec -d behind sh -c 'exit 7'; sleep 1.1; $E events --since 30s --until 0s --filter container=behind --filter event=exec_die --format '{{.Actor.Attributes.exitCode}}'; $E rm -f behind",
            besides: ["podman"]),
    ]

    @Test("docker's client and this program answer alike", .enabled(if: Engine.isInstalled("dockerd", "docker")))
    func docker() throws {
        let minictl = try Root()
        try compare(minictl, "docker", Engine.docker(at: minictl.path))
    }

    @Test("podman and this program answer alike", .enabled(if: Engine.isInstalled("podman", "runc")))
    func podman() throws {
        let minictl = try Root()
        try compare(minictl, "podman", Engine.podman(at: minictl.path))
    }

    private func compare(_ minictl: Root, _ name: String, _ engine: Engine) throws {
        let cases = Self.cases.filter { !$0.besides.contains(name) }
        let script = cases.map { "echo; echo '=== \($0.name)'\n\($0.script)" }.joined(separator: "\n")
        try minictl.sh("$M run --name exporter base true; $M export exporter > base.tar; $M rm exporter; mkdir ours theirs")
        let ours = try minictl.sh(
            "cd ours; E=\"$M\"; run() { $M run --network none \"$@\"; }; create() { $M create --network none \"$@\"; }\n\(script)",
            seconds: 300)
        let theirs = try minictl.sh(
            "stop() { cd \(minictl.path); \(engine.stop); }; trap stop EXIT\n\(engine.start)\ncd theirs; E=\"\(engine.command)\"\n\(engine.verbs)\n\(script)",
            seconds: 300)
        let (answers, expected) = (Self.parts(ours.output), Self.parts(theirs.output))
        guard expected.count == cases.count else {
            // Its start failed: for the machine's reasons, not for ours.
            print("skipped: \(name) does not run here: \(theirs.output.suffix(300))\(theirs.error.suffix(600))")
            return
        }
        for entry in cases { #expect(answers[entry.name] == expected[entry.name], "\(entry.name): \(entry.script)") }
    }

    /// What was printed for each case, without what is by chance: ids, and where an engine says that an image is local.
    private static func parts(_ output: String) -> [String: [String]] {
        var parts: [String: [String]] = [:]
        var name = ""
        for line in output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if line.hasPrefix("=== ") {
                name = String(line.dropFirst(4))
                parts[name] = []
            } else if !name.isEmpty, !line.isEmpty {
                parts[name]?.append(line)
            }
        }
        return parts
    }
}

/// Another engine over a scratch directory, in a network namespace of its own.
private struct Engine {
    let start: String
    let command: String
    let verbs: String
    let stop: String

    static func isInstalled(_ programs: String...) -> Bool {
        let folders = ["/usr/bin/", "/usr/sbin/", "/usr/local/bin/", "/usr/local/sbin/"]
        guard let missing = programs.first(where: { program in !folders.contains { access($0 + program, X_OK) == 0 } }) else { return true }
        print("skipped: nothing is compared with \(programs[0]), as there is no \(missing)")
        return false
    }

    static func docker(at path: String) -> Engine {
        let parent = "/verbs-\(getpid())-docker"
        let command = "docker -H unix://\(path)/docker/s"
        return Engine(
            start: """
                mkdir docker
                unshare -n dockerd -H unix://\(path)/docker/s --data-root \(path)/docker/data --exec-root \(path)/docker/exec \
                  --pidfile \(path)/docker/pid --bridge none --iptables=false --ip6tables=false --cgroup-parent \(parent) > docker/log 2>&1 &
                daemon=$!
                for i in $(seq 100); do \(command) version >/dev/null 2>&1 && break; sleep 0.1; done
                \(command) import base.tar base >/dev/null || cat docker/log
                """,
            command: command,
            verbs: """
                run() { $E run --network none "$@"; }
                create() { $E create --network none "$@"; }
                """,
            stop: """
                \(command) rm -f $(\(command) ps -aq) >/dev/null 2>&1
                kill $daemon; wait $daemon
                grep -o " \(path)[^ ]*" /proc/self/mountinfo | sort -r | xargs -r umount -l
                rmdir /sys/fs/cgroup/*\(parent) 2>/dev/null; true
                """)
    }

    static func podman(at path: String) -> Engine {
        let parent = "/verbs-\(getpid())-podman"
        let storage = "--root \(path)/podman/root --runroot \(path)/podman/run --tmpdir \(path)/podman/tmp"
        let command =
            "podman \(storage) --cgroup-manager cgroupfs --events-backend file --storage-driver overlay --runtime $(command -v runc)"
        // Without CAP_SYS_RESOURCE it cannot raise these limits and needs to be told others.
        let flags = "--network none --cgroup-parent \(parent) --ulimit nofile=20000:20000 --ulimit nproc=9000:9000 --stop-timeout 1"
        return Engine(
            start: "mkdir podman; \(command) import base.tar base >/dev/null",
            command: command,
            verbs: """
                run() { $E run \(flags) "$@"; }
                create() { $E create \(flags) "$@"; }
                """,
            stop: """
                \(command) rm -af -t 0 >/dev/null 2>&1
                \(command) rmi -af >/dev/null 2>&1
                grep -o " \(path)[^ ]*" /proc/self/mountinfo | sort -r | xargs -r umount -l
                for d in /sys/fs/cgroup/*\(parent); do find $d -depth -type d -exec rmdir {} + 2>/dev/null; rm -rf $d 2>/dev/null; done; true
                """)
    }
}
