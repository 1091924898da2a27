// SPDX-License-Identifier: Apache-2.0
import Glibc
import Images
import Linux
import OCI
import Runtime

/// A process of a container, held, whose namespaces another may join.
struct Companion: ~Copyable {
    let handle: ProcessHandle
    let pid: pid_t
}

extension Home {
    /// Finds a process that sees what the container sees. For a container that does not run, one is set up as for a start and waits on its
    /// way to the program, which it never executes; it ends with `body`.
    /// - Returns: what is known of the container.
    func withCompanion(of word: String, _ body: (borrowing Companion) throws(EngineError) -> Void) throws(EngineError) -> Record {
        let orphans = try sweep()
        let container = try container(named: word)
        if try container.status(in: Machine.boot()).isUp {
            if container.record.sharesRoot { try protectProgram() }
            let handle = try container.process(toAllow: .signal, "look into")
            let pid: pid_t
            do throws(SystemError) { pid = try handle.pid() } catch { throw .notAllowed("look into", container.name, .exited(nil)) }
            try body(Companion(handle: handle, pid: pid))
            return container.record
        }
        let creation = try prepare(container.id, besides: orphans)
        do throws(EngineError) { try creation.container.withCompanion(creation.spec, in: self, body) } catch {
            try creation.watch.end(in: self)
            throw error
        }
        try creation.watch.end(in: self)
        return container.record
    }
}

extension Container {
    fileprivate func withCompanion(
        _ spec: Spec, in home: borrowing Home, _ body: (borrowing Companion) throws(EngineError) -> Void
    ) throws(EngineError) {
        var spec = spec
        spec.process?.terminal = nil
        spec.process?.oomScoreAdj = nil
        spec.hooks = nil
        spec.linux?.seccomp = nil
        var options = try launchOptions(in: home)
        options.diesWithParent = true
        let nobody: Pipe
        do throws(SystemError) { nobody = try FileDescriptor.pipe() } catch { throw .system(doing: "make a pipe", error) }
        // It tells that it is ready, and nobody ever lets it go on: what is thrown here ends it.
        options.startSocket = nobody.reader.raw
        options.seeksProgram = false
        var isDone = false
        var failure: EngineError?
        do throws(LaunchError) {
            _ = try Launch.container(
                spec, options, in: nil,
                record: { identity throws(LaunchError) in
                    do throws(EngineError) {
                        try checkJoined(spec, in: home)
                        try body(Companion(handle: Self.hold(identity), pid: identity.pid))
                        isDone = true
                    } catch {
                        failure = error
                    }
                    throw .refused("")
                })
        } catch {
            if isDone { return }
            throw failure ?? .launch(error, limit: nil)
        }
    }

    private static func hold(_ identity: ProcessIdentity) throws(EngineError) -> ProcessHandle {
        do throws(SystemError) { return try ProcessHandle(identity) } catch { throw .system(doing: "hold the container's process", error) }
    }
}

extension Companion {
    /// Starts a process of ours as root of the container, with the container's `/` opened. It has the rights that the container's root has and
    /// no others, is traced by nobody, and executes nothing.
    /// - Returns: what to wait for, and where it says what went wrong.
    func start(_ work: (consuming FileDescriptor) throws(ImageError) -> Void) throws(EngineError) -> Insider {
        do throws(SystemError) {
            let complaints = try FileDescriptor.pipe()
            guard case .parent(_, let process) = try Process.clone() else {
                let code: CInt
                do throws(ImageError) {
                    try work(enter())
                    code = 0
                } catch {
                    try? complaints.writer.write("\(error)")
                    code = 1
                }
                Process.exit(code)
            }
            return Insider(process: process, complaints: complaints.readerAlone())
        } catch {
            throw .system(doing: "enter the container", error)
        }
    }

    private func enter() throws(ImageError) -> FileDescriptor {
        do throws(SystemError) {
            // From here on, processes in the container could see ours; they must see no more than that (CVE-2016-9962).
            try Process.setDumpable(false)
            signal(SIGPIPE, SIG_IGN)
            return try handle.enterFiles(Namespaces(differingFrom: pid)).withoutDevices()
        } catch {
            throw .system(error)
        }
    }
}

/// A process of ours inside a container.
struct Insider: ~Copyable {
    let process: ProcessHandle
    let complaints: FileDescriptor

    /// Waits for its end. Nil if it did what it was to do, else why not.
    consuming func complaint() throws(EngineError) -> String? {
        do throws(SystemError) {
            let text = String(decoding: try complaints.readAll(limit: 65536), as: UTF8.self)
            let end = try process.reap()
            if end == .exited(0) { return nil }
            return text.isEmpty ? "it ended with status \(end.exitCode)" : text
        } catch {
            throw .system(doing: "wait for our process in the container", error)
        }
    }
}
