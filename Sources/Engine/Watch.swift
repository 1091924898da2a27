// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Linux
import Network
import Runtime

/// The right to watch over one container: the lock of the file `runtime/ID`, which exists only while somebody does.
///
/// It is taken before anything else of the container is made and given up after everything else is put away. Whoever finds such a
/// file without its lock knows that a watcher was killed, and mends what it left (`Home.sweep`). Who watches is on the roster meanwhile, or
/// nobody would look for such files.
package struct Watch: ~Copyable {
    let id: ContainerID
    private let file: FileDescriptor
    /// A sweep that takes over is not on the roster: until it is done, the mark of the killed one stays.
    private let isOnRoster: Bool
    /// Somebody was killed while watching, perhaps after the sweep of this command: what it was doing is to be finished first.
    let isLeft: Bool
    /// The container's range of ids, which is its as long as it is watched.
    var range: UserRanges.Claim?
    /// The ports of this machine that are held for the container meanwhile.
    var ports: PortReservation?

    /// Starts to watch. Nil if somebody else does.
    package init?(_ id: ContainerID, in home: borrowing Home) throws(EngineError) {
        do throws(SystemError) {
            let roster = try home.roster()
            try roster.enter(Roster.key(of: id.text))
            while true {
                var fullDisk: SystemError?
                do throws(SystemError) {
                    // It appears under its name with the lock on it, so that no sweep can take it for one that was left behind.
                    if let file = try Self.makeLocked(id, in: home) {
                        self.id = id
                        self.file = file
                        isOnRoster = true
                        isLeft = false
                        return
                    }
                } catch  where error.errno == ENOSPC || error.errno == EDQUOT {
                    // One that was left behind will do: who removes a container makes room.
                    fullDisk = error
                }
                let file: FileDescriptor
                do throws(SystemError) {
                    file = try FileDescriptor(opening: id.text, at: home.runtime.place, [.readWrite, .noFollow])
                } catch  where error.errno == ENOENT {
                    if let fullDisk { throw fullDisk }
                    continue
                }
                guard try file.lock(wait: false) else {
                    roster.leave()
                    return nil
                }
                // A sweep may have removed the file between the opening and the locking.
                if try file.status().links > 0 {
                    self.id = id
                    self.file = file
                    isOnRoster = true
                    isLeft = true
                    return
                }
            }
        } catch {
            throw .system(doing: "watch over the container", error)
        }
    }

    /// Starts to watch over a container that does not run. Whoever watched over one that has just ended is still putting it away: that is
    /// waited for, at most two seconds. Nil if it runs by now, or somebody does something longer with it.
    /// - Parameter mends: finishes first what a killed watcher was doing. Who removes the container need not, and can on a full disk.
    static func atRest(_ id: ContainerID, in home: borrowing Home, mends: Bool = true) throws(EngineError) -> Watch? {
        for _ in 0..<400 {
            if let watch = try Watch(id, in: home) {
                guard watch.isLeft, mends else { return watch }
                _ = try home.mend(id, watch)
                continue
            }
            if let container = try? home.container(id), try container.status(in: Machine.boot()).isGoingOn { return nil }
            usleep(5000)
        }
        return nil
    }

    /// Nil if there is one of that name.
    private static func makeLocked(_ id: ContainerID, in home: borrowing Home) throws(SystemError) -> FileDescriptor? {
        let file = try FileDescriptor(opening: ".", at: home.runtime.place, [.readWrite, .temporary], mode: 0o600)
        _ = try file.lock(wait: false)
        if linkat(AT_FDCWD, "/proc/self/fd/\(file.raw)", home.runtime.raw, id.text, AT_SYMLINK_FOLLOW) == 0 { return file }
        if errno == EEXIST { return nil }
        throw SystemError(call: "link", subject: id.text, errno: errno)
    }

    /// Takes over from a watcher that is gone, if its file is still there.
    init?(abandoned id: ContainerID, in home: borrowing Home) throws(SystemError) {
        let file = try FileDescriptor(opening: id.text, at: home.runtime.place, [.readWrite, .noFollow])
        guard try file.lock(wait: false), try file.status().links > 0 else { return nil }
        self.id = id
        self.file = file
        isOnRoster = false
        isLeft = true
    }

    /// Takes over what another process has locked and given us, by a descriptor that came over an exec.
    init(given raw: CInt, of id: ContainerID, in home: borrowing Home) throws(SystemError) {
        let file = FileDescriptor(owning: raw)
        let named = try home.runtime.place.status(of: id.text)
        let status = try file.status()
        guard status.inode == named?.inode, status.device == named?.device, try file.lock(wait: false) else {
            throw SystemError(call: "flock", subject: id.text, errno: EBADF)
        }
        try home.roster().enter(Roster.key(of: id.text))
        isOnRoster = true
        isLeft = false
        self.id = id
        self.file = file
    }

    /// Makes it a descriptor that exec keeps. For a child on its way to another program.
    func give(as target: CInt) throws(SystemError) { try file.replace(target) }

    /// Lets it live through an exec of our own.
    func keepOverExec() { _ = fcntl(file.raw, F_SETFD, 0) }

    /// Whether anybody watches now.
    static func isHeld(_ id: ContainerID, in home: borrowing Home) -> Bool { File.isLocked(id.text, at: home.runtime.place) }

    /// Writes the end of the container into the watch's own file. Whoever waits has that file open, and finds it there when the lock
    /// is free, also when the container itself is gone by then.
    func report(_ end: Record.End) throws(EngineError) {
        do throws(SystemError) { try file.write(JSONEncoder().bytes(of: end, for: "the end")) } catch {
            throw .system(doing: "write down how the container ended", error)
        }
    }

    /// The ports that are held; none so far, if there are none.
    mutating func reservation() -> PortReservation {
        let ports = ports ?? PortReservation()
        self.ports = ports
        return ports
    }

    /// Ends the watch: the file goes, and with it the lock. First the socket beside it, where nobody answers any more, and the ports, which the
    /// next one may want.
    consuming func end(in home: borrowing Home) throws(EngineError) {
        ports?.release()
        unlinkat(home.runtime.raw, "\(id).sock", 0)
        do throws(SystemError) { try check("unlink", id.text) { unlinkat(home.runtime.raw, id.text, 0) } } catch {
            throw .system(doing: "end the watch over the container", error)
        }
        if isOnRoster, let roster = try? home.roster() { roster.leave() }
    }

    /// Is on the roster in the place of the process that it was forked from.
    func inherit(in home: borrowing Home) throws(EngineError) {
        do throws(SystemError) { try home.roster().inherit(Roster.key(of: id.text)) } catch {
            throw .system(doing: "watch over the container", error)
        }
    }
}

extension Home {
    /// Changes a container that nobody starts or removes meanwhile: one that does not run is watched for as long. One that runs goes on.
    /// - Parameters:
    ///   - runs: whether it does, in the sense of the change.
    ///   - doing: what the change is, for a sentence.
    func whileItStays(
        _ id: ContainerID, runs: Bool, _ doing: @autoclosure () -> String, _ body: () throws(EngineError) -> Void
    ) throws(EngineError) {
        let watch = runs ? nil : try Watch.atRest(id, in: self)
        guard runs || watch != nil else { throw .refused("cannot \(doing()): another process is just starting or removing it") }
        do throws(EngineError) { try body() } catch {
            try watch?.end(in: self)
            throw error
        }
        try watch?.end(in: self)
    }
}
