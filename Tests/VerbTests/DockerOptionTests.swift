// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Testing

/// Options that are docker's.
@Suite(.enabled(if: Root.isUsable)) struct DockerOptionTests {
    @Test("Only what is attached is shown, and all of it is kept")
    func attach() throws {
        let minictl = try Root()
        let words = "base sh -c 'echo out; echo err >&2; exit 4'"
        let first = try minictl("run -a STDERR --name one \(words)")
        #expect(first.code == 4 && first.output == "" && first.error == "err\n")
        #expect(try minictl("logs one").output == "out\n")
        let second = try minictl("run -a stdout --rm \(words)")
        #expect(second.code == 4 && second.output == "out\n" && second.error == "")
        #expect(try minictl("run -d -a stdout base true").error.contains("cannot specify both --attach and --detach"))
        #expect(try minictl("run -a stdlog base true").code == 125)
        let shown = "{{.Config.AttachStdin}} {{.Config.AttachStdout}} {{.Config.AttachStderr}}"
        try minictl.sh("$M run -di --name two base true; $M create -i --name three base true")
        #expect(try minictl("inspect -f '\(shown)' two three").lines == ["false false false", "true true true"])
        #expect(try minictl("inspect -f '\(shown)' one").text == "false false true")
    }

    @Test("With the input alone attached the id is printed, and all of the input arrives")
    func attachInput() throws {
        let minictl = try Root()
        let id = try minictl.sh("seq 100000 | $M run -i -a stdin --name one base sh -c 'echo noise; sleep 0.3; wc -l'").text
        #expect(id == (try minictl("inspect -f '{{.Id}}' one").text))
        #expect(try minictl("wait one").text == "0")
        #expect(try minictl("logs one").output == "noise\n100000\n")
        // Nobody is attached whose input it could be: it stays open for whoever comes.
        let other = try minictl.sh(
            """
            echo lost | $M run -i -a stdout --name two base head -n 1 >two & sleep 0.5; [ -s two ] && echo early
            echo found | $M attach two; wait $!; cat two
            """)
        #expect(other.text == "found\nfound", "\(other.error)")
    }

    @Test("A platform is this machine's, or it is said what the image has")
    func platform() throws {
        let minictl = try Root()
        let own = try minictl("image inspect -f '{{.Os}}/{{.Architecture}}' base").text
        #expect(try minictl("run --rm --platform \(own) base echo ran").text == "ran")
        #expect(try minictl("run --rm --platform linux base echo ran").text == "ran")
        let outcome = try minictl("run --rm --platform linux/mips64le base true")
        #expect(outcome.code == 125)
        #expect(
            outcome.error
                == "minictl: image with reference base was found but does not match the specified platform: wanted linux/mips64le, actual: \(own)\n"
        )
        #expect(try minictl("create --platform plan9/x/y/z base").error.contains("is no platform"))
        #expect(
            try minictl.sh("mkdir e; tar -C e -c . | $M import --platform linux/mips64le - e").error.contains("which runs \(own)"))
        #expect(try minictl.sh("tar -C e -c . | $M import --platform \(own) - e").code == 0)
    }

    @Test(
        "What can be had of docker's options is, what changes nothing is taken",
        arguments: [
            "--disable-content-trust", "--runtime minirun", "--isolation default", "--volume-driver local", "--kernel-memory 4m",
            "--cgroupns private", "--pids-limit 50",
        ])
    func taken(words: String) throws { #expect(try Root()("run --rm --network none \(words) base echo ran").text == "ran") }

    @Test(
        "What cannot be had is refused with a sentence of its own",
        arguments: [
            "run --gpus all base", "run --runtime nvidia base", "run --isolation hyperv base", "run --storage-opt size=1g base",
            "run --volume-driver nfs base", "run --disable-content-trust=false base", "run --use-api-socket base", "run --cpu-count 2 base",
            "run --cpu-percent 2 base", "run --io-maxbandwidth 2 base", "run --io-maxiops 2 base",
            "run --blkio-weight-device /nope:10 base",
            "run --cpu-rt-period 5 base", "run --cpu-rt-runtime 20000 --cpu-rt-period 10000 base",
        ])
    func refused(words: String) throws {
        let outcome = try Root()("\(words) true")
        #expect(outcome.code == 125 || outcome.code == 1)
        #expect(!outcome.error.contains("unknown flag") && outcome.error.split(separator: "\n").count == 1, "\(outcome.error)")
    }

    @Test("The default network outlives system prune, but not network prune")
    func prune() throws {
        let minictl = try Root()
        try minictl.sh("$M run --rm base true; $M network create blue")
        #expect(try minictl.sh("echo n | $M system prune").output.contains("but for the default network"))
        let outcome = try minictl.sh("$M system prune -f; ip -o link show type bridge | grep -c minictl0")
        #expect(outcome.output.hasPrefix("Deleted Networks:\nblue\n\n") && outcome.lines.last == "1", "\(outcome.output)")
        #expect(try minictl("network prune -f").text == "Deleted Networks:\nbridge\n")
        #expect(try minictl("system prune -f --volumes --filter until=1h").code == 125)
    }

    @Test(
        "Files that are descriptors are read although the program starts again from its sealed copy",
        arguments: ["run --rm --userns host", "run --rm", "run --rm --userns keep-id"])
    func descriptors(words: String) throws {
        let minictl = try Root()
        let script = """
            bash -c '$M \(words) --network none --env-file <(echo A=1; echo B=2) --env-file /dev/fd/9 base sh -c "echo \\$A\\$B\\$C" 9< <(echo C=3)'
            echo D=4 | $M \(words) -i --network none --env-file /dev/stdin base sh -c 'echo $D; cat'
            bash -c '$M create --name one --userns host --label-file <(echo l=m) base true >/dev/null; $M inspect -f "{{.Config.Labels.l}}" one'
            """
        let outcome = try minictl.sh("export M; \(script)")
        #expect(outcome.lines == ["123", "4", "m"], "\(outcome.error)")
        // Nothing of that is the container's.
        let open = try minictl.sh(
            "export M; bash -c '$M \(words) --network none --env-file <(echo A=1) base ls /proc/self/fd' 8</etc/passwd | tr '\\n' ' '")
        #expect(open.text == "0 1 2 3 ", "\(open.error)")
    }

    @Test("Cgroups that were made as parents go with their last container, others' stay")
    func cgroupParents() throws {
        let minictl = try Root()
        let name = "verbs-parent-\(getpid())"
        let left = "ls -d /sys/fs/cgroup/\(name)* /sys/fs/cgroup/*/\(name)* 2>/dev/null | sed 's,.*/,,' | sort -u"
        #expect(try minictl.sh("$M run --rm --network none --cgroup-parent /\(name)/a/b base true; \(left)").text == "")
        let words = "-d --network none --cgroup-parent /\(name)"
        #expect(
            try minictl.sh(
                "$M run \(words) --name one base sleep 1000 >/dev/null; $M run \(words)/a --name two base sleep 1000 >/dev/null; $M rm -f one; \(left)"
            )
            .lines == ["one", name])
        #expect(try minictl.sh("$M stop -t 0 two; \(left)").text == "two")
        let own = "for d in /sys/fs/cgroup/pids /sys/fs/cgroup; do mkdir $d/\(name) && break; done 2>/dev/null"
        #expect(try minictl.sh("\(own); $M run --rm \(words)/a base true; sleep 0.5; \(left); rmdir $d/\(name)").lines.last == name)
    }

    @Test("What a container in the background reads and writes is counted")
    func blockIO() throws {
        let minictl = try Root()
        try minictl.start("web", "", "sh -c 'dd if=/dev/zero of=/x bs=1M count=4 conv=fsync; sleep 1000'")
        try minictl.sh("for i in $(seq 50); do $M logs web 2>&1 | grep -q copied && break; sleep 0.1; done")
        let outcome = try minictl("stats --no-stream --format '{{.BlockIO}}' web")
        let fields = outcome.text.split(separator: " / ", omittingEmptySubsequences: false)
        #expect(fields.count == 2 && fields.allSatisfy { $0.hasSuffix("B") && $0.first?.isNumber == true }, "\(outcome)")
    }
}
