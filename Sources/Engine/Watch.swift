// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// The right to watch over one container: the lock of its directory `runtime/ID`, which exists only while somebody does.
///
/// It is taken before anything else of the container is made and given up after everything else is put away. Whoever finds such a
/// directory without its lock knows that a watcher was killed, and mends what it left (`Home.sweep`).
package struct Watch: ~Copyable {
    let id: ContainerID
    let directory: FileDescriptor

    /// Starts to watch. Nil if somebody else does.
    package init?(_ id: ContainerID, in home: borrowing Home) throws(EngineError) {
        do throws(SystemError) {
            while true {
                try Directory.make(id.text, at: home.runtime.place)
                let directory = try FileDescriptor(opening: id.text, at: home.runtime.place, [.readOnly, .directory, .noFollow])
                guard try directory.lock(wait: false) else { return nil }
                // A sweep may have removed the directory between its making and its locking.
                if try directory.status().links > 0 {
                    self.id = id
                    self.directory = directory
                    return
                }
            }
        } catch where error.errno == ENOENT {
            return nil
        } catch {
            throw .system(doing: "watch over the container", error)
        }
    }

    /// Takes over from a watcher that is gone, if its directory is still there.
    init?(abandoned id: ContainerID, in home: borrowing Home) throws(SystemError) {
        let directory = try FileDescriptor(opening: id.text, at: home.runtime.place, [.readOnly, .directory, .noFollow])
        guard try directory.lock(wait: false), try directory.status().links > 0 else { return nil }
        self.id = id
        self.directory = directory
    }

    /// Whether anybody watches now.
    static func isHeld(_ id: ContainerID, in home: borrowing Home) -> Bool {
        guard let directory = try? FileDescriptor(opening: id.text, at: home.runtime.place, [.readOnly, .directory, .noFollow]),
            let free = try? directory.lock(exclusive: false, wait: false)
        else { return false }
        return !free
    }

    /// Ends the watch: the directory goes, and with it the lock.
    consuming func end(in home: borrowing Home) throws(EngineError) {
        do throws(SystemError) { try Directory.removeAll(id.text, at: home.runtime.place) } catch {
            throw .system(doing: "end the watch over the container", error)
        }
    }
}
