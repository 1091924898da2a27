// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Network

extension Firewall {
    static func open() throws(EngineError) -> Firewall {
        do throws(NetworkError) { return try Firewall() } catch { throw .network(error) }
    }
}

extension Home {
    /// Whether the rules for a network are there, which another program may have flushed together with its own.
    func isSecured(_ network: NetworkDefinition) throws(EngineError) -> Bool {
        var firewall = try Firewall.open()
        do throws(NetworkError) { return try firewall.knows(network) } catch { throw .network(error) }
    }

    /// Makes the rules for a network, before anything can come over its bridge; and all of them, where they are missing.
    /// The caller holds the exclusive lock of all networks.
    func secure(_ network: NetworkDefinition, _ lock: borrowing NetworkLock) throws(EngineError) {
        var firewall = try Firewall.open()
        let isLost: Bool
        do throws(NetworkError) {
            isLost = try !firewall.isInstalled()
            if isLost { try firewall.install() }
        } catch { throw .network(error) }
        try refill(&firewall, besides: network, isLost: isLost)
    }

    /// Puts everything that lives into rules that may have been made anew. What is there already is fine.
    /// - Parameter isLost: made anew they were, and what they guarded has to be guarded again.
    private func refill(_ firewall: inout Firewall, besides network: NetworkDefinition?, isLost: Bool) throws(EngineError) {
        var netlink = try Netlink.open()
        do throws(NetworkError) {
            if let network { try firewall.add(network) }
            if let network, isLost, !network.isInternal { try Forwarding.enable(for: network, isLost: true) }
        } catch { throw .network(error) }
        for other in try storedNetworks() where other.driver == .bridge && other.id != network?.id {
            guard try has(other, &netlink) else { continue }
            do throws(NetworkError) {
                try firewall.add(other)
                try firewall.offload(other)
                if isLost, !other.isInternal { try Forwarding.enable(for: other, isLost: true) }
            } catch { throw .network(error) }
        }
        for listing in try listings() where listing.status.isUp && listing.record.published != nil {
            try publish(listing.record, &firewall)
        }
        try mendQuestions()
    }

    private func has(_ network: NetworkDefinition, _ netlink: inout Netlink) throws(EngineError) -> Bool {
        do throws(SystemError) { return try netlink.link(network.device)?.mac == network.bridgeMAC } catch {
            throw .system(doing: "look at the bridge \(network.device)", error)
        }
    }

    /// Makes rules that were flushed anew. Costs two system calls where all is well, and nothing where no network was ever used.
    func mendFirewall() throws(EngineError) {
        guard faccessat(runtime.raw, "networks", F_OK, AT_SYMLINK_NOFOLLOW) == 0 else { return }
        var firewall = try Firewall.open()
        do throws(NetworkError) { if try firewall.isInstalled() { return } } catch { throw .network(error) }
        let lock = try lockNetworks(exclusive: true)
        var netlink = try Netlink.open()
        var isNeeded = false
        for network in try storedNetworks() where network.driver == .bridge {
            if try has(network, &netlink) { isNeeded = true }
        }
        guard isNeeded else { return }
        do throws(NetworkError) { if try !firewall.isInstalled() { try firewall.install() } } catch { throw .network(error) }
        try refill(&firewall, besides: nil, isLost: true)
        lock.release()
    }

    /// Has what comes for the ports of a network that wants it passed on without rules. Its bridge is there, and secured.
    func offload(_ network: NetworkDefinition) throws(EngineError) {
        guard network.offloadsPorts else { return }
        let firewall = try Firewall.open()
        do throws(NetworkError) { try firewall.offload(network) } catch { throw .network(error) }
    }

    /// Takes away the rules of a network that goes.
    func unsecure(_ network: NetworkDefinition) throws(EngineError) {
        guard network.driver == .bridge else { return }
        var firewall = try Firewall.open()
        do throws(NetworkError) {
            try firewall.remove(network)
            try firewall.removeIfUnused()
        } catch { throw .network(error) }
    }
}
