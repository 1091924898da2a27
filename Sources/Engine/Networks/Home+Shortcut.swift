// SPDX-License-Identifier: Apache-2.0
import Linux
import Network

/// Shortcuts to published ports. Whoever watches over a container has its shortcut open, and holds one at most, so it ends with them and
/// nobody has to clear away after a kill. Nothing depends on it: without one, connections go by the rules.
extension Home {
    /// One for the ports of a container as its record has them; nil where there is nothing to be reached so, or the kernel does not let us.
    func makeShortcut(for record: Record) -> ConnectLink? {
        guard let ports = record.published, let target = record.publishedEndpoint?.addresses.first(where: { $0.address.family == .v4 }),
            Machine.environment("MINICTL_SHORTCUT") != "no"
        else { return nil }
        return (try? Shortcut.open(ports, to: target.address, named: Self.shortcutName(record.id))) ?? nil
    }

    /// Ends it, whoever has it open. Whatever it led to is another's soon, perhaps.
    func endShortcut(to record: Record) throws(EngineError) {
        guard let shortcut = record.shortcut else { return }
        do throws(SystemError) { try ConnectLink.detach(shortcut, named: Self.shortcutName(record.id)) } catch {
            throw .system(doing: "take published ports away", error)
        }
    }

    /// Makes one for the ports that a container has by now, and gives it to its monitor in place of the one before. In the foreground there is
    /// nobody to take it.
    ///
    /// It is written down before it is given away: until then it ends with us, and from then on anybody can end it. Where that fails, clients
    /// go by the rules.
    func renewShortcut(to container: inout Container) {
        guard let shortcut = makeShortcut(for: container.record) else { return }
        tellMonitor(of: container.id) { monitor in
            if (try? write(shortcut.id, into: &container)) == true {
                try? monitor.send(AttachMessage.hold.bytes, descriptors: [shortcut.descriptor.raw])
            } else {
                try? ConnectLink.detach(shortcut.id, named: Self.shortcutName(container.record.id))
            }
        }
    }

    /// Writes down a shortcut that nobody else has yet, in place of one that ends here. False if the run that it is for is over: whoever puts it
    /// away may not have seen it.
    private func write(_ shortcut: UInt32, into container: inout Container) throws(EngineError) -> Bool {
        guard let start = container.record.start else { return false }
        try endShortcut(to: container.record)
        var isSame = false
        try container.change { record in
            isSame = record.start?.at == start.at
            if isSame { record.shortcut = shortcut }
        }
        guard isSame, let identity = try start.identity(in: Machine.boot()) else { return false }
        return identity.isAlive
    }

    private static func shortcutName(_ id: String) -> String { "mc\(id.prefix(13))" }
}
