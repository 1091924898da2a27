// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Network

/// A change under way of a container that runs, of its name or of what connects it: the file `runtime/ID.change`, locked as long as it lasts.
///
/// Changes of one container wait for each other, and its next start waits for them. Whoever finds such a file without its lock knows that a
/// change was killed, and puts the container in order (`Home.sweep`): a network that it was being connected to or taken off it is off, a port that
/// is written down is published, the name that leads to it is its own.
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
    /// - Parameter waits: for one that goes on.
    init?(abandoned id: ContainerID, in home: borrowing Home, waits: Bool) throws(SystemError) {
        let name = id.text + Self.suffix
        let file = try FileDescriptor(opening: name, at: home.runtime.place, [.readWrite, .noFollow])
        guard try file.lock(wait: waits), try file.status().links > 0 else { return nil }
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
    /// Changes a container: one that runs goes on, and its next start waits for the change; one that does not run is watched for as long.
    /// - Parameters:
    ///   - runs: whether it does, in the sense of the change.
    ///   - doing: what the change is, for a sentence.
    ///   - body: told whether it runs, which holds for the whole change: if it ends meanwhile, whoever puts it away goes by what it had.
    func change(
        _ id: ContainerID, runs: (Status) -> Bool = \.isUp, _ doing: @autoclosure () -> String,
        _ body: (_ container: inout Container, _ runs: Bool) throws(EngineError) -> Void
    ) throws(EngineError) {
        var container = try container(id)
        if try runs(container.status(in: Machine.boot())) {
            var isDone = false
            try changeLive(id) { () throws(EngineError) in
                try container.refreshIfChanged()
                // It may have ended while this waited for others, and whoever starts it again waits for none that begin from then on.
                guard try runs(container.status(in: Machine.boot())) else { return }
                isDone = true
                try body(&container, true)
            }
            if isDone { return }
        }
        try whileItStays(id, runs: false, doing()) { () throws(EngineError) in
            try container.refreshIfChanged()
            try body(&container, false)
        }
    }

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
        guard let change = try abandonedChange(of: id, waits: false) else { return }
        try withdrawLost(by: id)
        if try !mendRunning(id) {
            // What was taken after its end was put away is found by its id. Where somebody starts it just now that is for the next look.
            guard let watch = try Watch.atRest(id, in: self) else { return }
            try undoChanges(of: id)
            try watch.end(in: self)
        }
        try change.end(in: self)
    }

    /// False of one that does not run, or ended meanwhile.
    private func mendRunning(_ id: ContainerID) throws(EngineError) -> Bool {
        guard var container = try? container(id), try container.status(in: Machine.boot()).isUp else { return false }
        do throws(EngineError) {
            try settleName(of: &container)
            for endpoint in container.record.endpoints ?? [] where endpoint.isChanging == true { try disconnectNow(&container, endpoint) }
            try announceAgain(container)
            try publishAgain(&container)
            return true
        } catch {
            // One on its way out has no namespaces any more some time before anybody can learn of its end.
            for _ in 0..<20 {
                guard (try? self.container(id).status(in: Machine.boot()).isUp) == true else { return false }
                usleep(5000)
            }
            throw error
        }
    }

    /// Waits for the change that began while the container ran the last time, and undoes one that was killed: what it does to links, addresses and
    /// the record by then must not fall upon the next run, whose they would be. The caller watches over the container, which is at rest, and
    /// reads its record afterwards.
    func settleChanges(of id: ContainerID) throws(EngineError) {
        guard let change = try abandonedChange(of: id, waits: true) else { return }
        try withdrawLost(by: id)
        try undoChanges(of: id)
        try change.end(in: self)
    }

    private func abandonedChange(of id: ContainerID, waits: Bool) throws(EngineError) -> LiveChange? {
        do throws(SystemError) {
            return try LiveChange(abandoned: id, in: self, waits: waits)
        } catch {
            if error.errno == ENOENT { return nil }
            throw .system(doing: "look at a change", error)
        }
    }

    /// Of one that does not run and that nobody starts meanwhile.
    private func undoChanges(of id: ContainerID) throws(EngineError) {
        guard var container = try? container(id) else {
            releaseNames(of: id)
            return try disconnectAll(id, nil)
        }
        try settleName(of: &container)
        try disconnectAll(id, container.record)
        guard container.record.endpoints?.contains(where: { $0.isChanging == true }) == true else { return }
        try container.change { $0.endpoints?.removeAll { $0.isChanging == true } }
    }
}
