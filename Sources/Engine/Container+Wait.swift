// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Linux

/// Somebody who waits for one container to end, and learns how, even if it is removed as it ends.
///
///     waiter                                    watcher
///       makes runtime/ID/exit, keeps it open
///       reads the record: it runs
///       waits for the process                     sees it end, writes the end into the record
///       waits for the watch's lock                finds runtime/ID/exit, writes the end into it
///                                                 removes what is to be removed, gives the lock up
///       reads the end from the file it kept
///
/// The file is there before the record is read, so a watcher that a waiter saw running cannot miss it. Who has no waiter makes no file.
package final class Waiter {
    private let container: Container
    /// Nil where nobody watches over it.
    private let watch: Held?

    package init(_ word: String, in home: borrowing Home) throws(EngineError) {
        let id = try home.find(word)
        while true {
            let watch = try? Held(id, in: home)
            let container = try home.container(id)
            // Started between the two looks: look again.
            if watch == nil, try container.status(in: Machine.boot()).isUp, faccessat(home.runtime.raw, id.text, F_OK, 0) == 0 { continue }
            self.container = container
            self.watch = watch
            return
        }
    }

    private final class Held {
        let directory: FileDescriptor
        let exit: FileDescriptor

        init(_ id: ContainerID, in home: borrowing Home) throws(SystemError) {
            let directory = try FileDescriptor(opening: id.text, at: home.runtime.place, [.directory, .noFollow])
            exit = try FileDescriptor(opening: Watch.exitFile, at: directory.place, [.create, .noFollow, .nonBlocking], mode: 0o600)
            self.directory = directory
        }
    }

    /// Waits until it has ended and all it had is put away. A container that does not run has ended already, one that never ran with 0.
    package func wait(in home: borrowing Home) throws(EngineError) -> Record.End {
        let boot = try Machine.boot()
        if let end = container.record.end { return end }
        guard let start = container.record.start else { return Record.End(exitCode: 0, at: "", outOfMemory: nil, reason: nil) }
        do throws(SystemError) {
            if let identity = start.identity(in: boot), let process = try? ProcessHandle(identity) { _ = try process.waitForEnd() }
            if let watch {
                _ = try watch.directory.lock(exclusive: false, wait: true)
                watch.directory.unlock()
                if let end = try Self.end(in: watch.exit.raw) { return end }
            }
        } catch {
            throw .system(doing: "wait for \(container.name)", error)
        }
        // Nobody was left to tell us.
        try home.sweep()
        return try home.container(container.id).record.end ?? Record.End(exitCode: nil, at: "", outOfMemory: nil, reason: nil)
    }

    private static func end(in raw: CInt) throws(SystemError) -> Record.End? {
        var bytes = [UInt8](repeating: 0, count: 65536)
        let count = try check("pread") { pread(raw, &bytes, bytes.count, 0) }
        guard count > 0 else { return nil }
        bytes.removeLast(bytes.count - count)
        return try? JSONDecoder().decode(Record.End.self, from: bytes)
    }
}

extension Watch {
    /// Made by those who wait for the end, if there are any.
    static var exitFile: String { "exit" }

    /// Tells whoever waits how the container ended, before anything of it goes.
    func announce(_ end: Record.End) {
        guard let file = try? FileDescriptor(opening: Self.exitFile, at: directory.place, [.writeOnly, .noFollow, .nonBlocking]) else { return }
        try? file.write(Container.encode(end))
    }
}
