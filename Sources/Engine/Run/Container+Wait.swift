// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Linux

/// Somebody who waits for one container to end, and learns how, even if it is removed as it ends.
///
///     waiter                                    watcher
///       opens the watch's file, keeps it open
///       reads the record: it runs
///       waits for the process                     sees it end, writes the end into the record and the watch's file
///       waits for the file's lock                 removes what is to be removed, gives the lock up
///       reads the end from the file it kept
///
/// The file is opened before the record is read, and still has its name after that: so it is that of the run which the record tells of.
package final class Waiter {
    private let container: Container
    /// Nil where nobody watches over it.
    private let watch: Held?

    package init(_ word: String, in home: borrowing Home) throws(EngineError) {
        let id = try home.find(word)
        while true {
            let watch = try Held.ifWatched(id, in: home)
            let container = try home.container(id)
            // Started, or started again, between the two looks: look again.
            if try container.status(in: Machine.boot()).isGoingOn, !(watch?.isCurrent ?? false),
                faccessat(home.runtime.raw, id.text, F_OK, 0) == 0
            {
                continue
            }
            self.container = container
            self.watch = watch
            return
        }
    }

    private final class Held {
        let file: FileDescriptor

        private init(_ file: consuming FileDescriptor) { self.file = file }

        static func ifWatched(_ id: ContainerID, in home: borrowing Home) throws(EngineError) -> Held? {
            do throws(SystemError) {
                return Held(try FileDescriptor(opening: id.text, at: home.runtime.place, [.noFollow, .nonBlocking]))
            } catch {
                if error.errno == ENOENT { return nil }
                throw .system(doing: "look whether \(id.short) is watched", error)
            }
        }

        var isCurrent: Bool { ((try? file.status().links) ?? 0) > 0 }
    }

    /// Waits until it has ended and all it had is put away. A container that does not run has ended already, one that never ran with 0.
    package func wait(in home: borrowing Home) throws(EngineError) -> Record.End {
        let boot = try Machine.boot()
        // One that is started again by itself has not ended for good.
        if let end = container.record.end, !container.status(in: boot).isGoingOn { return end }
        guard let start = container.record.start else { return Record.End(exitCode: 0, at: "", outOfMemory: nil, reason: nil) }
        do throws(SystemError) {
            if let identity = start.identity(in: boot), let process = try ProcessHandle.holding(identity) { _ = try process.waitForEnd() }
            if let watch {
                _ = try watch.file.lock(exclusive: false, wait: true)
                watch.file.unlock()
                if let end = try? JSONDecoder().decode(Record.End.self, from: try watch.file.readAll(limit: Record.limit)) { return end }
            }
        } catch {
            throw .system(doing: "wait for \(container.name)", error)
        }
        // Nobody was left to tell us.
        try home.sweep()
        return try home.container(container.id).record.end ?? Record.End(exitCode: nil, at: "", outOfMemory: nil, reason: nil)
    }
}
