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
    func renewShortcut(to container: inout Container) throws(EngineError) {
        guard let shortcut = makeShortcut(for: container.record) else { return }
        let isTaken = tellMonitor(of: container.id) { try? $0.send(AttachMessage.hold.bytes, descriptors: [shortcut.descriptor.raw]) }
        guard isTaken else { return }
        let old = container.record
        try container.change { $0.shortcut = shortcut.id }
        try endShortcut(to: old)
    }

    private static func shortcutName(_ id: String) -> String { "mc\(id.prefix(13))" }
}
