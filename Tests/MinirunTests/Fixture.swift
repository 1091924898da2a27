// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Linux
import OCI
import TestGround
import Testing

/// How a command ended and what it said.
struct Outcome {
    let status: CInt
    let output: String
    let errors: String
}

/// A scratch folder with a state directory, bundles over a busybox root file system, and cgroups below a parent of its own.
/// All of it goes away with the value.
final class Fixture {
    static let binary =
        Machine.environment("MINIRUN_TEST_BINARY")
        ?? #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" } + "/.build/debug/minirun"

    /// Whether the machine lets these tests run at all.
    static let isUsable = geteuid() == 0 && access("/bin/busybox", X_OK) == 0 && access(binary, X_OK) == 0

    let path: String
    let root: String
    let cgroupParent: String
    private var ids: [String] = []

    init() throws {
        path = try ScratchDirectory.make("minirun-test")
        root = path + "/state"
        cgroupParent = "/" + path.dropFirst(5)
    }

    deinit {
        for id in ids { _ = try? minirun("delete", "--force", id) }
        try? Directory.removeAll(path)
        guard let controllers = try? FileDescriptor(opening: "/sys/fs/cgroup", .directory).entries() else { return }
        for entry in controllers { rmdir("/sys/fs/cgroup/\(entry.name)\(cgroupParent)") }
        rmdir("/sys/fs/cgroup\(cgroupParent)")
    }

    // MARK: bundles

    /// Makes a bundle that runs a shell script, in a root file system of its own.
    /// - Parameter change: what is different from the simplest container.
    func bundle(_ name: String, _ script: String, _ change: (inout Spec) -> Void = { _ in }) throws -> String {
        let bundle = "\(path)/\(name)"
        try Directory.makeAll(bundle + "/rootfs/bin", mode: 0o755)
        try write("rootfs/bin/busybox", File.read("/bin/busybox"), in: bundle, mode: 0o755)
        for applet in [
            "sh", "cat", "ls", "id", "sleep", "touch", "stat", "readlink", "grep", "mkdir", "hostname", "env", "kill", "dd", "true",
        ] {
            symlink("busybox", bundle + "/rootfs/bin/" + applet)
        }
        var spec = Self.spec(script)
        spec.linux?.cgroupsPath = "\(cgroupParent)/\(name)"
        change(&spec)
        try write("config.json", JSONEncoder().encode(spec), in: bundle)
        ids.append(name)
        return bundle
    }

    private static func spec(_ script: String) -> Spec {
        let capabilities = ["CAP_KILL", "CAP_CHOWN", "CAP_SETUID", "CAP_SETGID"]
        return Spec(
            process: Spec.Process(
                args: ["sh", "-c", script], env: ["PATH=/bin"],
                capabilities: Spec.Process.Capabilities(bounding: capabilities, effective: capabilities, permitted: capabilities)),
            root: Spec.Root(path: "rootfs"), hostname: "inside",
            mounts: [
                Spec.Mount(destination: "/proc", type: "proc", source: "proc"),
                Spec.Mount(destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755", "size=1m"]),
                Spec.Mount(
                    destination: "/dev/pts", type: "devpts", source: "devpts", options: ["newinstance", "ptmxmode=0666", "mode=0620"]),
            ],
            linux: Spec.Linux(namespaces: [.pid, .network, .ipc, .uts, .mount].map { Spec.Linux.Namespace(type: $0) }))
    }

    /// Writes a file; its permissions are whole, whatever the umask.
    func write(_ name: String, _ bytes: [UInt8], in folder: String? = nil, mode: mode_t = 0o644) throws {
        unlink("\(folder ?? path)/\(name)")
        let file = try FileDescriptor(opening: "\(folder ?? path)/\(name)", [.writeOnly, .create, .exclusive], mode: mode)
        try file.write(bytes)
        fchmod(file.raw, mode)
    }

    func read(_ name: String) -> String {
        (try? File.read("\(path)/\(name)")).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    // MARK: commands

    func minirun(_ words: String...) throws -> Outcome { try Self.run([Self.binary, "--root", root] + words, in: path) }

    /// The same with a given standard input and more descriptors from 3 on.
    func minirun(_ words: [String], descriptors: [CInt]) throws -> Outcome {
        try Self.run([Self.binary, "--root", root] + words, in: path, descriptors: descriptors)
    }

    /// Runs a command to its end. Its streams are files, so that what a container keeps open holds nobody up.
    static func run(_ words: [String], in folder: String, descriptors: [CInt] = []) throws -> Outcome {
        let child = try Child(words, in: folder, descriptors: descriptors)
        return try child.outcome()
    }

    /// The state that `state` shows; nil if there is no such container.
    func state(_ id: String) throws -> JSONValue? {
        let shown = try minirun("state", id)
        guard shown.status == 0 else { return nil }
        #expect(shown.errors == "")  // engines read both streams as one
        return try JSONDecoder().decode(JSONValue.self, from: Array(shown.output.utf8))
    }

    func status(_ id: String) throws -> String? { try state(id)?["status"]?.string }

    /// Creates and starts, both expected to go well.
    func start(_ id: String, _ script: String, _ change: (inout Spec) -> Void = { _ in }) throws {
        let bundle = try bundle(id, script, change)
        for outcome in [try minirun("create", "--bundle", bundle, id), try minirun("start", id)] {
            #expect(outcome.status == 0, "\(outcome.errors)")
        }
    }

    /// Runs a container to its end.
    func run(_ id: String, _ script: String, _ change: (inout Spec) -> Void = { _ in }) throws -> Outcome {
        try minirun("run", "--bundle", bundle(id, script, change), id)
    }
}

/// A command that runs.
struct Child {
    let pid: pid_t
    private let base: String

    /// - Parameter descriptors: what it gets from 3 on.
    init(_ words: [String], in folder: String, descriptors: [CInt] = []) throws {
        var random = SystemRandomNumberGenerator()
        base = "\(folder)/.stream-\(random.next())"
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, base + "-1", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, base + "-2", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        for (index, descriptor) in descriptors.enumerated() { posix_spawn_file_actions_adddup2(&actions, descriptor, CInt(3 + index)) }
        for descriptor in CInt(3 + descriptors.count)..<64 { posix_spawn_file_actions_addclose(&actions, descriptor) }
        var pid: pid_t = 0
        let result = posix_spawn(
            &pid, words[0], &actions, nil, CStrings(words).pointer, CStrings(["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]).pointer)
        guard result == 0 else { throw SystemError(call: "posix_spawn", subject: words[0], errno: result) }
        self.pid = pid
    }

    func outcome() throws -> Outcome {
        var status: CInt = 0
        guard waitpid(pid, &status, 0) == pid else { throw SystemError(call: "waitpid", errno: errno) }
        let code = status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
        func text(_ stream: Int) throws -> String { String(decoding: try File.read("\(base)-\(stream)"), as: UTF8.self) }
        return Outcome(status: code, output: try text(1), errors: try text(2))
    }
}
