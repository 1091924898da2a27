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
        #expect(try rig.minictl("run", "--rm", "own", "-c", "echo other").text == "other")
        #expect(try rig.minictl("run", "--rm", "--entrypoint", "echo", "own").text == "")
        #expect(try rig.minictl("run", "--rm", "own", "-c", "findmnt -no TARGET /data; stat -c %u /data").text == "/data\n0")
        rig.expectNothingLeft()
        #expect(rig.names("root/containers/.volumes") == [])
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
    func makeImage(_ name: String, _ config: String) throws {
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
        let layers = String(decoding: try JSONEncoder(pretty: false).encode(old["rootfs"] ?? .null), as: UTF8.self)
        let described = String(decoding: try JSONEncoder(pretty: false).encode(manifest["layers"] ?? .null), as: UTF8.self)
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
