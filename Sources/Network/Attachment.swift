// SPDX-License-Identifier: Apache-2.0
import CNetlink
import Glibc
import Linux

/// One endpoint that is ready to be made: its addresses are leased, and what it hangs on is there.
package struct Attachment: Sendable {
    package enum Place: Sendable {
        /// - isApart: from the others on it.
        case bridge(LinkStatus, isApart: Bool = false)
        case macvlan(parent: LinkStatus, mode: MacvlanMode)
    }

    package let endpoint: Endpoint
    let place: Place

    package init(_ endpoint: Endpoint, at place: Place) {
        self.endpoint = endpoint
        self.place = place
    }
}

/// How links that share a wire see each other (`ip-link(8)`).
package enum MacvlanMode: String, Sendable, CaseIterable {
    case bridge, `private`, vepa, passthru

    var number: CInt {
        switch self {
        case .private: CInt(MACVLAN_MODE_PRIVATE.rawValue)
        case .vepa: CInt(MACVLAN_MODE_VEPA.rawValue)
        case .bridge: CInt(MACVLAN_MODE_BRIDGE.rawValue)
        case .passthru: CInt(MACVLAN_MODE_PASSTHRU.rawValue)
        }
    }
}

extension NetworkNamespace {
    /// Connects the container to each of its networks: links, addresses, routes. When it returns, packets go both ways.
    /// What was made before a failure is left to whoever puts the container away.
    /// - Parameter disablesIPv6: on interfaces that have no address of it; else those do not speak of their own, and the container's first
    ///   process does it.
    package func connect(_ attachments: [Attachment], disablesIPv6: Bool, _ netlink: inout Netlink) throws(NetworkError) {
        for attachment in attachments {
            do throws(SystemError) { try attachment.makeLink(in: descriptor, &netlink) } catch {
                let network = attachment.endpoint.network
                switch error.errno {
                case EXFULL: throw .refused("the network \(network) is full: a bridge has 1023 ports; make another network")
                case EOPNOTSUPP:
                    throw .refused(
                        "this kernel cannot connect the container to the network \(network); load \(attachment.module) with modprobe")
                default: throw .system(doing: "connect the container to the network \(network)", error)
                }
            }
        }
        do throws(SystemError) {
            var inside = try self.netlink(setting: attachments.flatMap { $0.parametersInside(disablesIPv6) })
            for attachment in attachments { try attachment.configure(&inside) }
            for attachment in attachments {
                let ends = try attachment.awaitCarrier(&netlink, &inside)
                attachment.introduce(ends, &netlink, &inside)
            }
        } catch {
            throw .system(doing: "give the container its addresses", error)
        }
    }

    /// Takes the container off a network.
    package func disconnect(_ endpoint: Endpoint, _ netlink: inout Netlink) throws(NetworkError) {
        do throws(SystemError) {
            // With the host's end the other one goes; one without is taken away where it is.
            if let link = endpoint.link { return try netlink.remove(link) }
            guard let device = endpoint.device else { return }
            var inside = try self.netlink()
            try inside.remove(device)
        } catch {
            throw .system(doing: "disconnect the container from the network \(endpoint.network)", error)
        }
    }

    /// Sets the way to everywhere else. One that is there already is fine.
    package func setDefaultRoute(over endpoint: Endpoint) throws(NetworkError) {
        guard let device = endpoint.device else { return }
        do throws(SystemError) {
            var inside = try netlink()
            guard let link = try inside.link(device) else { return }
            for gateway in [endpoint.gateway, endpoint.gateway6].compactMap({ $0 }) {
                let message = try inside.addDefaultRoute(over: gateway, link.index)
                do throws(SystemError) { try inside.perform(message) } catch  where error.errno == EEXIST {}
            }
        } catch {
            throw .system(doing: "set the container's default route", error)
        }
    }
}

extension Netlink {
    /// At most 50 ms: a link that never gets a carrier is no reason not to start. Gives back its number once it has.
    @discardableResult
    fileprivate mutating func awaitCarrier(of name: String) throws(SystemError) -> Int32? {
        for _ in 0..<100 {
            guard let status = try link(name) else { break }
            if status.isOperational { return status.index }
            usleep(500)
        }
        return nil
    }
}

extension Attachment {
    fileprivate var module: String { if case .bridge = place { "veth" } else { "macvlan" } }

    fileprivate func makeLink(in namespace: borrowing FileDescriptor, _ netlink: inout Netlink) throws(SystemError) {
        let interface = Interface(device: endpoint.device ?? "eth0", mac: endpoint.mac)
        switch place {
        case .macvlan(let parent, let mode): try netlink.makeMacvlan(over: parent, mode: mode.number, interface, in: namespace)
        case .bridge(let bridge, let isApart):
            guard let name = endpoint.link else { return }
            do throws(SystemError) {
                try netlink.makePair(name, at: bridge, interface, in: namespace)
            } catch  where error.errno == EEXIST {
                // Of the same container's last life: the kernel has not got round to taking it away.
                try netlink.remove(name)
                try netlink.makePair(name, at: bridge, interface, in: namespace)
            }
            if isApart { try netlink.isolate(name) }
            // The host speaks through the bridge alone.
            try netlink.silence(name)
            try netlink.bringUp(name, at: bridge)
        }
    }

    fileprivate func parametersInside(_ disablesIPv6: Bool) -> [KernelParameter] {
        let device = endpoint.device ?? "eth0"
        let asked = (endpoint.parameters ?? [:]).sorted { $0.key < $1.key }.map { file, value in
            let parts = file.split(separator: "/").map { $0 == "IFNAME" ? device[...] : $0 }
            return KernelParameter(parts.joined(separator: "/"), value, isAsked: true)
        }
        // Where everything is given, nobody on the network is to be believed who offers more.
        guard !endpoint.hasIPv6 else {
            return ["accept_ra", "accept_dad"].map { KernelParameter("ipv6/conf/\(device)/\($0)", "0") } + asked
        }
        return (disablesIPv6 ? [KernelParameter("ipv6/conf/\(device)/disable_ipv6", "1")] : []) + asked
    }

    fileprivate func configure(_ inside: inout Netlink) throws(SystemError) {
        let device = endpoint.device ?? "eth0"
        guard let link = try inside.link(device) else { throw SystemError(call: "RTM_GETLINK", subject: device, errno: ENODEV) }
        if !endpoint.hasIPv6 { try inside.silence(device) }
        var messages = [try inside.change(device, flags: UInt32(IFF_UP))]
        for address in endpoint.addresses + endpoint.linkLocalAddresses { messages.append(try inside.add(address, to: link.index)) }
        if endpoint.hasDefaultRoute == true {
            for gateway in [endpoint.gateway, endpoint.gateway6].compactMap({ $0 }) {
                messages.append(try inside.addDefaultRoute(over: gateway, link.index))
            }
        }
        try inside.perform(messages)
    }

    /// The numbers of a link's ends; the host's is nil where it has none.
    fileprivate typealias Ends = (host: Int32?, inside: Int32?)

    /// The kernel takes note of a new carrier a moment later, and until then a bridge drops what comes: the container's first packet would be
    /// lost, and sent again a second after. Asking makes it look at once (Linux 6.8); before that, it takes some milliseconds.
    fileprivate func awaitCarrier(_ netlink: inout Netlink, _ inside: inout Netlink) throws(SystemError) -> Ends {
        var host: Int32?
        if case .bridge(let bridge, _) = place, let name = endpoint.link {
            host = try netlink.awaitCarrier(of: name)
            try netlink.awaitCarrier(of: bridge.name)
        }
        return (host, try inside.awaitCarrier(of: endpoint.device ?? "eth0"))
    }

    /// Tells the container, the host and the bridge where on the wire to find each other. Each would ask everybody on the bridge before its
    /// first packet, which took 0.9 ms beside 200 containers. Nothing depends on it: who does not know asks.
    fileprivate func introduce(_ ends: Ends, _ netlink: inout Netlink, _ inside: inout Netlink) {
        guard case .bridge(let bridge, _) = place, let bridgeMAC = bridge.mac, let mac = endpoint.mac, let host = ends.host,
            let own = ends.inside
        else { return }
        do throws(SystemError) {
            var messages = [try netlink.addForwarding(to: mac, over: host)]
            for address in endpoint.addresses { messages.append(try netlink.addNeighbour(address.address, at: mac, on: bridge.index)) }
            try netlink.perform(messages)
            for gateway in [endpoint.gateway, endpoint.gateway6].compactMap({ $0 }) {
                try inside.perform(inside.addNeighbour(gateway, at: bridgeMAC, on: own))
            }
        } catch { return }
    }
}
