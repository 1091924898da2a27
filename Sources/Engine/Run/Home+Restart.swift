// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

extension Home {
    /// Stops a container, if it runs, and starts it again.
    package func restart(_ word: String, _ request: StopRequest, report: (StopRequest.Event) -> Void) throws(EngineError) {
        var container = try container(named: word)
        let isTemporary = container.record.isTemporary
        if try container.status(in: Machine.boot()).isGoingOn {
            // One that goes with its end must stay for the next start.
            if isTemporary { try container.change { $0.isTemporary = false } }
            var failure: EngineError?
            try stop([word], request) { event in
                switch event {
                case .failed(_, let error): failure = error
                case .heldOut: report(event)
                case .ended: break
                }
            }
            if let failure { throw failure }
        }
        try start(container.id.text, isTemporary: isTemporary)
        container.tell("restart")
    }

    /// Gives a container another name.
    package func rename(_ word: String, to name: ContainerName) throws(EngineError) {
        // Who starts or removes it must not write the old name down again.
        try change(find(word), runs: \.isGoingOn, "rename \(word)") { (container, _) throws(EngineError) in
            try self.rename(&container, to: name)
        }
    }

    private func rename(_ container: inout Container, to name: ContainerName) throws(EngineError) {
        let (id, old) = (container.id, container.name)
        if old == name.text { throw .refused("\(old) has that name already") }
        try move(old, to: name)
        do throws(EngineError) { try carry(name, by: &container) } catch {
            // Removed meanwhile, it has no name to go back to.
            if hasRecord(id) { try? containers.place.move(name.text, to: old) } else { releaseNames(of: id) }
            throw error
        }
        // Others on its networks are to find it by the new name.
        guard try container.status(in: Machine.boot()).isUp else { return }
        try container.changeHosts { $0.remove(named: old) }
        try announceAgain(container)
    }

    private func move(_ old: String, to name: ContainerName) throws(EngineError) {
        do throws(SystemError) {
            do throws(SystemError) { try containers.place.move(old, to: name.text) } catch  where error.errno == EEXIST {
                guard (try? freeStale(name)) == true else { throw error }
                try containers.place.move(old, to: name.text)
            }
        } catch {
            guard error.errno == EEXIST else { throw .system(doing: "rename \(old)", error) }
            throw .nameTaken(name, owner(of: name))
        }
    }

    /// Writes down the name that leads to a container by now.
    private func carry(_ name: ContainerName, by container: inout Container) throws(EngineError) {
        let old = container.name
        try container.change { $0.name = name.text }
        container.tell("rename", ["oldName": "/" + old])
    }

    /// Finishes a renaming that was killed: between its two steps the new name leads to the container, which has the old one still.
    func settleName(of container: inout Container) throws(EngineError) {
        let id = container.id
        guard let name = ContainerName(container.name), owner(of: name) != id, let new = names(of: id).first else { return }
        try carry(new, by: &container)
    }
}
