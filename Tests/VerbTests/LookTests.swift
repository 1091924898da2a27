// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Testing

@Suite(.enabled(if: Root.isUsable)) struct LookTests {
    @Test("Containers are found by the ports they have, named or published")
    func ports() throws {
        let minictl = try Root()
        try minictl.start("web", "-p 127.0.0.1::80 --expose 90/udp")
        try minictl.start("plain")
        let cases = [
            ("publish=80", "web"), ("publish=70-80/tcp", "web"), ("publish=80/udp", ""), ("publish=90/udp", ""), ("expose=90/udp", "web"),
            ("expose=80", "web"), ("expose=91/udp", ""), ("expose=80 --filter name=plain", ""),
        ]
        for (filter, names) in cases {
            #expect(try minictl("ps --filter \(filter) --format '{{.Names}}'").text == names, "\(filter)")
        }
        #expect(try minictl("ps --filter publish=x").code == 1)
    }

    @Test("Every port there is can be named, and is told without delay", .timeLimit(.minutes(1)))
    func everyPort() throws {
        let minictl = try Root()
        try minictl.start("web", "--network none --expose 1-65535")
        let count = "inspect -f '{{json .Config.ExposedPorts}} {{json .NetworkSettings.Ports}}' web | grep -o [0-9]/tcp | wc -l"
        #expect(try minictl(count).text == "131070")
    }

    @Test("What takes room is told in full: images, containers and volumes")
    func everySize() throws {
        let minictl = try Root()
        try minictl.sh("$M create --name a -v data:/d base; echo 12345 >f; $M cp f a:/d/f; $M cp f a:/f")
        let text = try minictl("system df -v").output
        let titles = ["Images space usage:", "Containers space usage:", "Local Volumes space usage:"]
        for title in titles { #expect(text.contains(title + "\n\n"), "\(text)") }
        #expect(text.split(separator: "\n").contains { $0.hasPrefix("data ") && $0.contains(" 1 ") && $0.hasSuffix(" 6B") }, "\(text)")
        #expect(try minictl("system df -v --format json").code == 125)
    }

    @Test("Scripts that ask docker for two versions get ours twice")
    func versions() throws {
        let minictl = try Root()
        #expect(try minictl("version --format '{{.Client.Version}} {{.Server.Version}}'").text == "0.1.0 0.1.0")
        #expect(try !minictl("version").output.contains("Client"))
    }

    @Test("ps has docker's columns and shows what runs")
    func ps() throws {
        let minictl = try Root()
        let id = try minictl.start("web")
        try minictl.start("over", "", "true")
        try minictl("wait over")
        let table = try minictl("ps").lines
        #expect(
            table[0].split(separator: " ", omittingEmptySubsequences: true) == [
                "CONTAINER", "ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES",
            ])
        #expect(table.count == 2 && table[1].hasPrefix(String(id.prefix(12))) && table[1].hasSuffix("web"))
        #expect(try minictl("ps -a --format '{{.Names}}'").lines == ["over", "web"])
        #expect(try minictl("ps -l --format '{{.Names}}'").text == "over")
        #expect(try minictl("ps -n 1 -q").lines.count == 1)
        #expect(try minictl("ps -as --no-trunc").lines[0].hasSuffix("SIZE"))
    }

    @Test(
        "Filters choose",
        arguments: [
            ("-f name=we", "web"), ("-f name=^eb", ""), ("-f label=role=front", "web"), ("-f label=role=front -f label=x", ""),
            ("-f status=exited", "over"),
            ("-f exited=3", "over"), ("-f exited=0", ""), ("-f since=web", "over"), ("-f before=over", "web"), ("-f ancestor=base", "web"),
            ("-a -f ancestor=base", "over web"), ("-f network=none", ""), ("-f network=bridge", "web"), ("-f volume=/data", "web"),
            ("-f volume=nope", ""),
            ("-f status=running -f status=exited", "over web"), ("-f name=web -f status=exited", ""),
        ])
    func filters(flags: String, names: String) throws {
        let minictl = try Root()
        try minictl.start("web", "-l role=front --tmpfs /data")
        try minictl.start("over", "", "sh -c 'exit 3'")
        try minictl("wait over")
        #expect(try minictl.sh("echo $($M ps \(flags) --format '{{.Names}}')").text == names)
    }

    @Test("A filter that is none is an error", arguments: ["colour=red", "status=happy", "exited=x", "name", "name=("])
    func badFilters(filter: String) throws {
        let outcome = try Root()("ps -f '\(filter)'")
        #expect(outcome.code != 0 && outcome.error.contains("filter"))
    }

    @Test("Escape sequences in names, labels and arguments never reach the terminal")
    func escapes() throws {
        let minictl = try Root()
        try minictl.sh("$M run -d --name web -l \"a=$(printf '\\033[2J')\" base sh -c \"$(printf 'sleep 99;\\033]0;x\\007')\"")
        for words in ["ps --no-trunc", "ps --format 'table {{.Command}}\\t{{.Labels}}'"] {
            let outcome = try minictl(words)
            #expect(!outcome.output.contains("\u{1B}") && outcome.output.contains("\\x1b"), "\(words)")
        }
        // JSON stays JSON.
        #expect(try minictl.json("ps --format json")["Labels"]?.string?.contains("\u{1B}[2J") == true)
    }

    @Test("A label is looked up by name, and columns of a template have headers")
    func templates() throws {
        let minictl = try Root()
        try minictl.start("web", "-l role=front")
        #expect(try minictl("ps --format '{{.Label \"role\"}}'").text == "front")
        #expect(try minictl("ps --format 'table {{.Names}}\\t{{.State}}'").lines == ["NAMES   STATE", "web     running"])
        #expect(try minictl("ps --format '{{.Nmaes}}'").error.contains("did you mean .Names?"))
    }

    @Test("inspect has docker's fields and the kernel's facts about namespaces")
    func inspect() throws {
        let minictl = try Root()
        let id = try minictl.start("web", "-m 64m -v data:/data")
        let value = try minictl.json("inspect web").array?.first
        #expect(value?["Id"]?.string == id)
        #expect(value?["Name"]?.string == "/web")
        #expect(value?["State"]?["Status"]?.string == "running")
        #expect(value?["HostConfig"]?["Memory"]?.int == 64 << 20)
        #expect(value?["Mounts"]?.array?.first?["Name"]?.string == "data")
        #expect(value?["Config"]?["Cmd"]?.array?.compactMap(\.string) == ["sleep", "1000"])
        let user = value?["Namespaces"]?["user"]
        #expect(user?["OwnerUid"]?.int == 0)
        #expect(value?["Namespaces"]?["net"]?["OwningUserNamespace"]?.int == user?["Inode"]?.int)
        let pid = value?["State"]?["Pid"]?.int ?? 0
        #expect(try minictl.sh("readlink /proc/\(pid)/ns/user").text == "user:[\(user?["Inode"]?.int ?? 0)]")
    }

    @Test("inspect finds images and volumes too, and says what it did not find")
    func inspectOthers() throws {
        let minictl = try Root()
        try minictl("volume create data")
        #expect(try minictl("inspect -f '{{.Mountpoint}}' data").text.hasSuffix("/containers/.volumes/data"))
        #expect(try minictl("inspect -f '{{.Os}}' base").text == "linux")
        #expect(try minictl("inspect --type container base").error == "minictl: no such container: base\n")
        let outcome = try minictl("inspect nowhere")
        #expect(outcome.code == 1 && outcome.text == "[]")
        #expect(outcome.error == "minictl: no such container, image, volume or network: nowhere\n")
    }

    @Test("logs keep the streams apart and in order")
    func logs() throws {
        let minictl = try Root()
        try minictl.start("web", "", "sh -c 'echo a; sleep 0.1; echo b >&2; sleep 0.1; echo c'")
        try minictl("wait web")
        let outcome = try minictl("logs web")
        #expect(outcome.output == "a\nc\n" && outcome.error == "b\n")
        #expect(try minictl.sh("$M logs web 2>&1").output == "a\nb\nc\n")
        #expect(try minictl("logs -n 1 web").output == "c\n")
        #expect(try minictl("logs --since 2020-01-01 --until 2021-01-01 web").output == "")
        let stamped = try minictl("logs -t -n 1 web").text
        #expect(stamped.hasSuffix("Z c") && stamped.hasPrefix("20"))
    }

    @Test("Following a log that is rotated all the time loses and doubles nothing, and ends with the container")
    func follow() throws {
        let minictl = try Root()
        try minictl.start(
            "web", "--log-opt max-size=2k --log-opt max-file=5",
            "sh -c 'i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo $i; sleep 0.002; done'")
        #expect(try minictl("logs -f web").lines == (1...300).map { "\($0)" })
    }

    @Test("top lists the container's processes and nobody else's")
    func top() throws {
        let minictl = try Root()
        try minictl.start("web", "", "sh -c 'sleep 1001 & sleep 1002'")
        try minictl.expect("top web | wc -l", prints: "4")
        let lines = try minictl("top web -o pid,args").lines
        #expect(lines.count == 4 && lines.last?.hasSuffix("sleep 1002") == true)
        #expect(try minictl("top web -o rss").code == 1)
    }

    @Test("stats reads the cgroup's figures")
    func stats() throws {
        let minictl = try Root()
        try minictl.start("web", "-m 64m", "sh -c 'while :; do :; done'")
        let value = try minictl.json("stats --no-stream --format json web")
        #expect(value["Name"]?.string == "web")
        #expect(value["MemUsage"]?.string?.hasSuffix(" / 64MiB") == true)
        let share = value["CPUPerc"]?.string ?? ""
        #expect(share.hasSuffix("%") && Double(share.dropLast()).map { $0 > 0 } == true, "\(share)")
        // Its own network, over which neighbours are asked for at once; with none of its own there is nothing to count.
        #expect(value["NetIO"]?.string?.contains("B / ") == true)
        try minictl.start("shared", "--network host")
        #expect(try minictl.json("stats --no-stream --format json shared")["NetIO"]?.string == "-- / --")
        // As docker has it: what was asked for, and what it is called.
        #expect(try minictl("stats --no-stream --format '{{.Container}} {{.Name}}' shared").text == "shared shared")
        let id = try minictl("inspect -f '{{.Id}}' web").text
        #expect(try minictl("stats --no-stream --format '{{.Container}}' \(id)").text == id)
    }

    @Test("Every help fits into 80 columns")
    func helpWidth() throws {
        let minictl = try Root()
        let names = try minictl("--help").lines.filter { $0.hasPrefix("  ") }.compactMap { $0.split(separator: " ").first.map(String.init) }
        let verbs = ["network create", "network connect", "volume create", "image assemble", "mount add", "port add"]
        let wide = try minictl.sh(
            (names + verbs).map { "COLUMNS=80 $M \($0) --help 2>/dev/null" }.joined(separator: "\n")
        ).lines.filter { $0.count > 80 }
        #expect(names.contains("run") && wide.isEmpty, "\(wide)")
    }

    @Test("No help lists a command twice", arguments: ["", "container", "image", "volume", "network", "system", "mount"])
    func helpOnce(_ group: String) throws {
        let names = try Root()("\(group) --help").lines.filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") }
            .compactMap { $0.split(separator: " ").first.map(String.init) }
        #expect(names.count > 2 && Set(names).count == names.count, "\(names)")
    }
}
