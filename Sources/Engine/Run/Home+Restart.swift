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
        let id = try find(word)
        let isUp = try container(id).status(in: Machine.boot()).isGoingOn
        // Who starts or removes it must not write the old name down again.
        try whileItStays(id, runs: isUp, "rename \(word)") { () throws(EngineError) in try rename(id, to: name) }
    }

    private func rename(_ id: ContainerID, to name: ContainerName) throws(EngineError) {
        var container = try container(id)
        let old = container.name
        if old == name.text { throw .refused("\(old) has that name already") }
        do throws(SystemError) {
            try containers.place.move(old, to: name.text)
        } catch {
            guard error.errno == EEXIST else { throw .system(doing: "rename \(old)", error) }
            throw .nameTaken(name, owner(of: name))
        }
        do throws(EngineError) {
            try container.change { $0.name = name.text }
        } catch {
            try? containers.place.move(name.text, to: old)
            throw error
        }
        container.tell("rename", ["oldName": "/" + old])
        // Others on its networks are to find it by the new name.
        guard try container.status(in: Machine.boot()).isUp else { return }
        try container.changeHosts { $0.remove(named: old) }
        try container.announce(in: self)?.awaitAnswers()
    }
}
