// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Linux
import Testing

/// What an image says of itself is data from a stranger (B11, B12, D01).
@Suite(.onRealMachine) struct ImageConfigTests {
    let rig: Rig
    init() throws { rig = try Rig() }

    @Test("An image's defaults are taken, and those of the command line count more")
    func defaults() throws {
        try rig.makeImage(
            "own",
            #"{"Env":["A=1","B=2","PATH=/bin"],"Cmd":["-c","echo $A $B; pwd; id -u"],"Entrypoint":["sh"],"WorkingDir":"/srv/x","User":"7:8","StopSignal":"SIGINT","Labels":{"k":"v"},"Volumes":{"/data":{}},"ExposedPorts":{"80/tcp":{}}}"#
        )
        #expect(try rig.minictl("run", "--rm", "own").text == "1 2\n/srv/x\n7")
        #expect(try rig.minictl("run", "--rm", "-e", "A=9", "-w", "/tmp", "-u", "0", "own").text == "9 2\n/tmp\n0")
        #expect(try rig.minictl("run", "--rm", "-e", "A", "own").text == "2\n/srv/x\n7")
        #expect(try rig.minictl("run", "--rm", "own", "-c", "echo other").text == "other")
        #expect(try rig.minictl("run", "--rm", "--entrypoint", "echo", "own").text == "")
        #expect(try rig.minictl("run", "--rm", "own", "-c", "findmnt -no TARGET /data; stat -c %u /data").text == "/data\n0")
        rig.expectNothingLeft()
        #expect(rig.names("root/containers/.volumes") == [])
    }

    @Test("A layer that an image has three times, as steps that change nothing make them, is one; without any there is nothing to run")
    func layers() throws {
        try rig.makeImage("thrice", #"{"Cmd":["echo","hi"]}"#, layersTimes: 3)
        #expect(try rig.minictl("run", "--rm", "thrice").text == "hi")
        #expect(try rig.minictl("run", "--rm", "--userns", "host", "thrice").text == "hi")
        #expect(try rig.minictl("run", "--name", "changed", "thrice", "sh", "-c", "echo new >/new; rm /etc/passwd").code == 0)
        #expect(try rig.minictl("commit", "changed", "again").code == 0)
        #expect(try rig.minictl("run", "--rm", "again", "sh", "-c", "cat /new; ls /etc/passwd").text == "new")
        #expect(try rig.minictl("rm", "changed").code == 0)
        try rig.makeImage("none", #"{"Cmd":["echo","hi"]}"#, layersTimes: 0)
        let ending = try rig.minictl("run", "--rm", "none")
        #expect(ending.code == 125 && ending.error.contains("has no layers"), "\(ending)")
        rig.expectNothingLeft()
    }

    @Test("However many variables an image has, the last of each name counts, and it starts at once")
    func variables() throws {
        let all = (0..<40_000).map { "\"V\($0 % 20_000)=\($0)\"" }.joined(separator: ",")
        try rig.makeImage("many", "{\"Env\":[\(all),\"e\\u0301=1\",\"\u{e9}=2\"]}")
        let script = "tr '\\0' '\\n' </proc/1/environ >/e; grep -c ^V /e; grep -E '^V2=|=[12]$' /e"
        let ending = try rig.minictl("run", "--rm", "many", "sh", "-c", script)
        #expect(ending.lines == ["20000", "V2=20002", "e\u{301}=1", "\u{e9}=2"], "\(ending)")
    }

    @Test(
        "A hostile config reaches nothing of the host's and traps nothing",
        arguments: [
            #"{"Volumes":{"/../../../../VICTIM/v":{},"/proc":{}}}"#, #"{"Volumes":{"/proc/sys":{}}}"#, #"{"Volumes":{"VICTIM":{}}}"#,
            #"{"Volumes":{"/etc/\u0301x":{},"/etc/..\u002f\u0301x":{},"/..\u002f\u0301x":{}}}"#,
            #"{"WorkingDir":"/etc/..\u002f..\u002f\u0301x"}"#,
            #"{"Volumes":{"":{}}}"#, #"{"Volumes":{"/":{}}}"#,
            #"{"Volumes":{"/a:/b:rw":{}}}"#, #"{"Volumes":["x"]}"#, #"{"Env":"x"}"#, #"{"Env":[1]}"#,
            #"{"Env":["A=\u0000B","=x","","LD_PRELOAD=/VICTIM/x.so","B=\nC=1"]}"#,
            #"{"WorkingDir":"../../../../../../VICTIM/new"}"#, #"{"WorkingDir":"/proc/self/fd/5"}"#, #"{"WorkingDir":"relative"}"#,
            #"{"WorkingDir":"/\u0000x"}"#, #"{"WorkingDir":7}"#,
            #"{"User":"-1"}"#, #"{"User":"4294967296"}"#, #"{"User":"root:x:y"}"#, #"{"User":"\n"}"#, #"{"User":{}}"#, #"{"Cmd":"true"}"#,
            #"{"Cmd":[]}"#, #"{"Cmd":[null]}"#, #"{"Cmd":["tr\u0000ue"]}"#,
            #"{"Cmd":[""]}"#, #"{"Entrypoint":[["x"]]}"#, #"{"StopSignal":"NOSUCH"}"#, #"{"StopSignal":"99999999999999999999"}"#,
            #"{"Labels":{"a\n--privileged":"x","minictl.run":"--privileged","io.podman.annotations.privileged":"TRUE"}}"#,
            #"{"Healthcheck":{"Test":["CMD","touch","/VICTIM/x"]},"OnBuild":["RUN x"],"Hooks":{"prestart":[{"path":"/bin/touch"}]}}"#,
            #"{"ExposedPorts":{"x\n":{},"99999999999/tcp":{}}}"#, "[]", "null", "7", "",
        ])
    func hostile(_ config: String) throws {
        try rig.makeImage(
            "evil",
            config.split(separator: "VICTIM", omittingEmptySubsequences: false).joined(separator: String("\(rig.path)/victim".dropFirst())))
        for arguments in [
            ["run", "--rm", "evil"],
            ["run", "--rm", "--userns", "host", "evil", "sh", "-c", "grep CapEff /proc/self/status; echo ${LD_PRELOAD-}"],
            ["run", "--rm", "-u", "0", "-w", "/", "evil", "true"],
        ] {
            let ending = try rig.minictl(arguments, seconds: 8)
            #expect(ending.code == 0 || ending.code == 125 || ending.code == 127, "\(ending.code) \(ending.error)")
            if let line = ending.lines.first(where: { $0.hasPrefix("CapEff") }) { #expect(line.hasSuffix("a80425fb")) }
        }
        rig.expectNothingLeft()
    }

    @Test(
        "A line of passwd that means nothing never means root (D01)",
        arguments: [
            ("x:x:0x0:0::/:", "x", nil), ("x:x::::/", "x", nil), ("x:x:-1:-1::/:", "x", nil), ("x:x:4294967296:0::/:", "x", nil),
            ("x:x:99999999999999999999:0::/:", "x", nil),
            ("x:x: 0:0::/:", "x", nil), ("x:x:7:8", "x", nil), ("x\0:x:0:0::/:", "x", nil), ("7:x:0:0::/:/bin/sh", "7", "7:0"),
            ("1000:x:0:0::/:", "1000:1000", "1000:1000"), ("x:x:7:8::/:", "x", "7:8"),
            ("x:x:2147483648:0::/:", "x", nil), ("root:x:5:5::/:", "0", "0:0"), ("root:x:5:5::/:", "root", "5:5"), ("::::::", "", "0:0"),
            ("\u{1B}:x:0:0::/:", "\u{1B}", "0:0"),
        ] as [(String, String, String?)])
    func passwd(_ line: String, _ user: String, _ expected: String?) throws {
        guard Program.has("busybox") else { return }
        try rig.makeBusybox("fs")
        try rig.write("fs/etc/passwd", line + "\n")
        let ending = try rig.minictl(
            "run", "--rm", "-u", user, "--rootfs", "\(rig.path)/fs", "busybox", "sh", "-c", "busybox id -u; busybox id -g")
        if let expected {
            #expect(ending.text == expected.split(separator: ":").joined(separator: "\n"), "\(ending.error)")
        } else {
            #expect(ending.code == 125 && ending.error.contains("unable to find user"), "\(ending.text) \(ending.error)")
        }
        #expect(!ending.error.contains("\u{1B}"))
    }

    @Test(
        "A passwd that is nothing but colons or line breaks takes no more memory than an honest one", arguments: [":", "\n:", "::::::\n"])
    func wastefulPasswd(_ pattern: String) throws {
        guard Program.has("busybox") else { return }
        try rig.makeBusybox("fs")
        for name in ["passwd", "group"] {
            try rig.write("fs/etc/\(name)", String(repeating: pattern, count: (9 << 20) / pattern.utf8.count))
        }
        let script = "ulimit -v 400000; exec \"$@\""
        let command = [Program.path, "--root", rig.root, "run", "--rm", "-u", "nosuch:nosuch", "--rootfs", "\(rig.path)/fs", "busybox"]
        let ending = try Command(["/bin/sh", "-c", script, "sh"] + command).run([], seconds: 30)
        #expect(ending.code == 125 && ending.error.contains("unable to find user"), "\(ending.error)")
    }

    @Test("A passwd or group that is no ordinary file of the image's neither hangs nor tells (B12)", arguments: ["passwd", "group"])
    func strangeFiles(_ name: String) throws {
        guard Program.has("busybox") else { return }
        try rig.makeBusybox("fs")
        let file = "\(rig.path)/fs/etc/\(name)"
        func attempt(_ what: String) throws {
            for user in ["0", "x", "7", "0:x"] {
                let ending = try rig.minictl(["run", "--rm", "-u", user, "--rootfs", "\(rig.path)/fs", "busybox", "true"], seconds: 4)
                #expect(!ending.error.contains("alive") && (ending.code == 0 || ending.code == 125), "\(what) \(ending.error)")
            }
            try? Directory.removeAll(file)
            unlink(file)
        }
        mkfifo(file, 0o666)
        try attempt("fifo")
        try Directory.make(file)
        try attempt("directory")
        for target in [
            "/dev/zero", name, "\(rig.path)/victim/canary", "/proc/self/fd/0", "/proc/self/environ",
            "../../../../../../\(rig.path)/victim/canary",
        ] {
            symlink(target, file)
            try attempt("link to \(target)")
        }
        mkfifo("\(rig.path)/victim-fifo", 0o666)
        symlink("\(rig.path)/victim-fifo", file)
        try attempt("link to a fifo of the host's")
        let large = try FileDescriptor(opening: file, [.writeOnly, .create], mode: 0o644)
        ftruncate(large.raw, 200 << 20)
        try attempt("200 MB of nothing")
        try rig.write("fs/etc/\(name)", "x:x:7:" + String(repeating: "a,", count: 2_000_000) + "\n")
        try attempt("one long line")
        try Directory.removeAll("\(rig.path)/fs/etc")
        symlink("/proc/self/fd", "\(rig.path)/fs/etc")
        try attempt("/etc as a link to descriptors")
    }
}

extension Rig {
    /// Another image over the layers of `base`, with a config of any kind. The rig gets an image folder of its own for it.
    func makeImage(_ name: String, _ config: String, layersTimes times: Int = 1) throws {
        guard let shared = Program.shared else { return }
        if try FileStatus(of: "\(root)/images").kind == .symlink {
            unlink("\(root)/images")
            _ = try Command(["cp", "-al", "\(shared)/images", "\(root)/images"]).run()
        }
        let index = try JSONDecoder().decode(JSONValue.self, from: File.read("\(root)/images/index.json"))
        func blob(_ descriptor: JSONValue?) throws -> JSONValue {
            let digest = descriptor?["digest"]?.string?.dropFirst(7) ?? ""
            return try JSONDecoder().decode(JSONValue.self, from: File.read("\(root)/images/blobs/sha256/\(digest)"))
        }
        let manifest = try blob(index["manifests"]?.array?.first)
        let old = try blob(manifest["config"])
        func repeated(_ list: JSONValue?) throws -> String {
            let all = (0..<times).flatMap { _ in list?.array ?? [] }
            return String(decoding: try JSONEncoder(pretty: false).encode(JSONValue.array(all)), as: UTF8.self)
        }
        let layers = #"{"type":"layers","diff_ids":\#(try repeated(old["rootfs"]?["diff_ids"]))}"#
        let described = try repeated(manifest["layers"])
        let made = try addBlob(
            #"{"architecture":"amd64","os":"linux","rootfs":\#(layers)\#(config.isEmpty ? "" : ",\"config\":" + config)}"#)
        let top = try addBlob(
            #"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json",\#(made)},"layers":\#(described)}"#
        )
        unlink("\(root)/images/index.json")
        try write(
            "root/images/index.json",
            #"{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",\#(top),"annotations":{"org.opencontainers.image.ref.name":"\#(name)"}}]}"#
        )
    }

    /// The members `digest` and `size` of its descriptor.
    private func addBlob(_ text: String) throws -> String {
        try write("blob", text)
        let digest = try Command(["sha256sum", "\(path)/blob"]).run().text.prefix(64)
        rename("\(path)/blob", "\(root)/images/blobs/sha256/\(digest)")
        return #""digest":"sha256:\#(digest)","size":\#(text.utf8.count)"#
    }
}
