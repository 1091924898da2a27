// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Linux
import TestGround
import Testing

/// One test's own state directory, and beside it files of the host that nobody may touch.
final class Rig {
    let path: String
    var root: String { path + "/root" }
    /// A folder of the host's that may be shared with containers.
    var host: String { path + "/host" }

    private var mountsBefore: Set<String> = []

    init() throws {
        OwnNetwork.make()
        path = try ScratchDirectory.make("minictl-blackbox")
        for name in ["root", "host", "victim"] { try Directory.make("\(path)/\(name)", mode: 0o755) }
        chmod("\(path)/victim", 0o750)
        try write("victim/canary", "alive")
        chmod("\(path)/victim/canary", 0o640)
        if let shared = Program.shared { symlink("\(shared)/images", "\(root)/images") }
        mountsBefore = try Self.hostMounts()
    }

    deinit {
        killContainers()
        // What is left of those whose monitor was killed too, such as a name server, ends with the next command;
        // what monitors are at work on, they finish while there is something to work on.
        for _ in 0..<50 {
            _ = try? command(["ps", "-q"]).run([], seconds: 20)
            if names("root/runtime").allSatisfy({ $0.utf8.count != 64 }) { break }
            usleep(100_000)
        }
        expectNoProcess()
        expectUnharmed()
        do { try Directory.removeAll(path) } catch { print("left behind: \(path)") }
    }

    // MARK: running

    func command(_ arguments: [String]) -> Command { Command([Program.path, "--root", root] + arguments) }

    /// `minictl ARGUMENTS`, which must not hang or trap.
    @discardableResult
    func minictl(
        _ arguments: String..., input: [UInt8] = [], seconds: Int = 20, at location: SourceLocation = #_sourceLocation
    ) throws -> Ending {
        try minictl(arguments, input: input, seconds: seconds, at: location)
    }

    func minictl(_ arguments: [String], input: [UInt8] = [], seconds: Int = 20, at location: SourceLocation = #_sourceLocation) throws
        -> Ending
    {
        try check(command(arguments).run(input, seconds: seconds), arguments, location)
    }

    /// `run --rm FLAGS base sh -c SCRIPT`.
    func sh(_ flags: [String] = [], _ script: String, seconds: Int = 20, at location: SourceLocation = #_sourceLocation) throws -> Ending {
        try minictl(["run", "--rm"] + flags + ["base", "sh", "-c", script], seconds: seconds, at: location)
    }

    /// Starts `run -d FLAGS base SCRIPT` and gives back the id.
    func background(_ flags: [String] = [], _ script: String = "exec sleep 1000", at location: SourceLocation = #_sourceLocation) throws
        -> String
    {
        let ending = try minictl(["run", "-d"] + flags + ["base", "sh", "-c", script], at: location)
        #expect(ending.code == 0, "\(ending.error)", sourceLocation: location)
        return ending.text
    }

    @discardableResult
    func check(_ ending: Ending, _ what: [String], _ location: SourceLocation) throws -> Ending {
        #expect(!ending.isLate, "hung: \(what)", sourceLocation: location)
        #expect(
            !ending.error.contains("Fatal error") && ![128 + SIGILL, 128 + SIGTRAP, 128 + SIGSEGV].contains(ending.code),
            "trapped: \(what): \(ending.error)", sourceLocation: location)
        return ending
    }

    // MARK: files

    func write(_ name: String, _ text: String, mode: mode_t = 0o644) throws {
        let file = try FileDescriptor(opening: "\(path)/\(name)", [.writeOnly, .create, .truncate], mode: mode)
        try file.write(text)
    }

    func read(_ name: String) throws -> String { String(decoding: try File.read("\(path)/\(name)"), as: UTF8.self) }

    func names(_ folder: String) -> [String] {
        (try? FileDescriptor(opening: "\(path)/\(folder)", .directory).entries().map(\.name).sorted()) ?? []
    }

    func makeDirectory(_ name: String) throws { try Directory.makeAll("\(path)/\(name)", mode: 0o755) }

    // MARK: the state

    /// What `state.json` says of a container.
    func record(_ id: String) throws -> JSONValue {
        try JSONDecoder().decode(JSONValue.self, from: File.read("\(root)/containers/\(id)/state.json"))
    }

    /// The first process of a container, as the host sees it.
    func pid(_ id: String) throws -> pid_t { pid_t(try record(id)["start"]?["pid"]?.int ?? 0) }

    var ids: [String] { names("root/containers").filter { $0.utf8.count == 64 && Program.isDirectory("\(root)/containers/\($0)") } }

    /// A file of the cgroup that a process is in, version 1 or 2, whichever has it.
    func limit(_ pid: pid_t, _ controller: String, _ files: String...) throws -> String {
        for line in String(decoding: try File.read("/proc/\(pid)/cgroup", limit: 1 << 16), as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            let folder = fields[1].isEmpty ? "" : "/\(controller)"
            guard fields[1].isEmpty || fields[1].split(separator: ",").contains(Substring(controller)) else { continue }
            for file in files {
                if let text = try? File.readKernel("/sys/fs/cgroup\(folder)\(fields[2])/\(file)") {
                    return text.hasSuffix("\n") ? String(text.dropLast()) : text
                }
            }
        }
        return "none of \(files)"
    }

    /// All that a container may leave is gone: its files, names, watch, ids, cgroup.
    func expectNothingLeft(_ location: SourceLocation = #_sourceLocation) {
        #expect(names("root/containers").filter { $0 != ".volumes" && $0 != ".networks" } == [], sourceLocation: location)
        #expect(names("root/runtime").filter { $0.utf8.count == 64 } == [], sourceLocation: location)
        #expect(names("root/runtime/networks/bridge") == [], sourceLocation: location)
        // The kernel takes a cut link away some milliseconds after its namespace.
        #expect(waitUntil { (try? Command(["ip", "-o", "link", "show", "type", "veth"]).run().text) == "" }, sourceLocation: location)
    }

    /// Nobody is left who was given a path of ours. Whoever is says so, and ends.
    private func expectNoProcess() {
        let left = (try? Command(["pgrep", "-af", path]).run().lines) ?? []
        #expect(left.joined() == "", "left behind")
        for pid in left.compactMap({ $0.split(separator: " ").first.flatMap { pid_t($0) } }) { kill(pid, SIGKILL) }
    }

    /// The host is as it was: looked at after each test.
    private func expectUnharmed() {
        #expect((try? read("victim/canary")) == "alive")
        #expect(names("victim") == ["canary"])
        for (path, mode) in [("\(path)/victim", 0o750 as mode_t), ("\(path)/victim/canary", 0o640), ("/dev/null", 0o666)] {
            let status = try? FileStatus(of: path)
            #expect(status?.permissions == mode && status?.owner == 0, "\(path) is not as it was")
        }
        #expect((try? Self.hostMounts().subtracting(mountsBefore)) == [])
    }

    /// Mounts of the host, without those that other people's tests may make meanwhile.
    private static func hostMounts() throws -> Set<String> {
        let table = String(decoding: try File.read("/proc/self/mountinfo", limit: 4 << 20), as: UTF8.self)
        return Set(
            table.split(separator: "\n").map(String.init).filter { line in
                let point = line.split(separator: " ").dropFirst(4).first ?? ""
                return !point.hasPrefix("/tmp/") || point.hasPrefix("/tmp/minictl-blackbox-")
            })
    }

    private func killContainers() {
        for id in ids {
            guard let pid = try? pid(id), pid > 0, let text = try? File.readKernel("/proc/\(pid)/cgroup"), text.contains(id) else {
                continue
            }
            kill(pid, SIGKILL)
        }
        // Their monitors put the rest away; where there are none the next command does.
        if names("root/runtime").contains(where: { $0.utf8.count == 64 }) { _ = try? minictl("ps") }
        for _ in 0..<200 where names("root/runtime").contains(where: { $0.utf8.count == 64 }) { usleep(10000) }
    }
}

extension Program {
    static func isDirectory(_ path: String) -> Bool { (try? FileStatus(of: path))?.kind == .directory }
}
