// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Network

/// A change under way of what connects a container that runs: the file `runtime/ID.change`, locked as long as it lasts.
///
/// Changes of one container wait for each other. Whoever finds such a file without its lock knows that a change was killed, and puts the
/// container in order (`Home.sweep`): a network that it was being connected to or taken off it is off, a port that is written down is published.
struct LiveChange: ~Copyable {
    private let file: FileDescriptor
    private let name: String
    private let isOnRoster: Bool

    static let suffix = ".change"

    /// Begins one, when those before it are over.
    init(of id: ContainerID, in home: borrowing Home) throws(EngineError) {
        let name = id.text + Self.suffix
        do throws(SystemError) {
            try home.roster().enter(Roster.key(of: name))
            while true {
                let file = try FileDescriptor(opening: name, at: home.runtime.place, [.readWrite, .create, .noFollow], mode: 0o600)
                _ = try file.lock(wait: true)
                // Whoever had it took it away with the end of theirs.
                if try file.status().links > 0 {
                    self.file = file
                    self.name = name
                    isOnRoster = true
                    return
                }
            }
        } catch {
            throw .system(doing: "change the container while it runs", error)
        }
    }

    /// Takes over one that was killed; nil if it goes on, or is over. The error `ENOENT` if it is long over.
    init?(abandoned id: ContainerID, in home: borrowing Home) throws(SystemError) {
        let name = id.text + Self.suffix
        let file = try FileDescriptor(opening: name, at: home.runtime.place, [.readWrite, .noFollow])
        guard try file.lock(wait: false), try file.status().links > 0 else { return nil }
        self.file = file
        self.name = name
        isOnRoster = false
    }

    /// The container that a file of `runtime` is about, if it is one of these.
    static func container(of file: String) -> ContainerID? {
        file.hasSuffix(suffix) ? ContainerID(file.dropLast(suffix.count)) : nil
    }

    consuming func end(in home: borrowing Home) throws(EngineError) {
        do throws(SystemError) { try home.runtime.place.unlink(name) } catch {
            throw .system(doing: "end the change of the container", error)
        }
        if isOnRoster, let roster = try? home.roster() { roster.leave() }
    }
}

extension Home {
    /// Changes what connects a container that runs.
    func changeLive(_ id: ContainerID, _ body: () throws(EngineError) -> Void) throws(EngineError) {
        let change = try LiveChange(of: id, in: self)
        do throws(EngineError) { try body() } catch {
            switch error {
            // Perhaps half of it is done, as on a full disk: left as if we had been killed, it is put in order by the next command.
            case .system, .network(.system): throw error
            default: try change.end(in: self)
            }
            throw error
        }
        try change.end(in: self)
    }

    /// Puts a container in order of which a change was killed; one that goes on, or is over by now, stays.
    func mendChange(of id: ContainerID) throws(EngineError) {
        let change: LiveChange
        do throws(SystemError) {
            guard let abandoned = try LiveChange(abandoned: id, in: self) else { return }
            change = abandoned
        } catch  where error.errno == ENOENT {
            return
        } catch {
            throw .system(doing: "look at a change", error)
        }
        try withdrawLost(by: id)
        if var container = try? container(id), try container.status(in: Machine.boot()).isUp {
            for endpoint in container.record.endpoints ?? [] where endpoint.isChanging == true { try disconnectNow(&container, endpoint) }
            try publishAgain(&container)
        } else {
            // What was taken after its end was put away is found by its id. Where somebody starts it just now that is for the next look.
            guard let watch = try Watch.atRest(id, in: self) else { return }
            try undoChanges(of: id)
            try watch.end(in: self)
        }
        try change.end(in: self)
    }

    /// Of one that does not run and that nobody starts meanwhile.
    private func undoChanges(of id: ContainerID) throws(EngineError) {
        guard var container = try? container(id) else { return try disconnectAll(id, nil) }
        try disconnectAll(id, container.record)
        guard container.record.endpoints?.contains(where: { $0.isChanging == true }) == true else { return }
        try container.change { $0.endpoints?.removeAll { $0.isChanging == true } }
    }
}
