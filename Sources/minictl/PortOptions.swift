// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import Linux
import Network

/// How a container is reached, and whom it knows by name.
struct PortOptions: OptionGroup {
    static var options: [CommandOption<Self>] { ports + names }

    private static var ports: [CommandOption<Self>] {
        [
            .text(
                "-p, --publish [ADDRESS:][PORT:]PORT[/PROTOCOL]",
                "a port of the container at one of this machine: at 127.0.0.1 unless an address says otherwise, 0.0.0.0 for everybody ($MINICTL_PUBLISH_ADDRESS changes that); a free one if none is given; ranges too; may be repeated"
            ) { $0.requests.append(try PortRequest(word: $1)) },
            .flag("-P, --publish-all", "every port that the image or --expose names, each at a free one of this machine") {
                $0.publishesAll = $1
            },
            .text("--expose PORT[/PROTOCOL]", "a port for --publish-all; may be repeated") {
                guard let ports = ExposedPorts($1) else { throw UsageError("'\($1)' is no port from 1 to 65535, or range of them") }
                $0.exposed.append(ports)
            },
        ]
    }

    private static var names: [CommandOption<Self>] {
        [
            .text("--dns ADDRESS", "who is asked for names, in place of the host's servers; may be repeated") {
                guard IPAddress($1) != nil else { throw UsageError("'\($1)' is no IP address") }
                $0.resolver.servers.append($1)
            },
            .text("--dns-search DOMAIN", "where short names are looked for too, '.' for nowhere; may be repeated") {
                $0.resolver.search.append(try Self.word($1))
            },
            .text("--dns-option|--dns-opt OPTION", "an option of resolv.conf; may be repeated") {
                $0.resolver.options.append(try Self.word($1))
            },
            .text("--add-host NAME:ADDRESS", "a line of /etc/hosts; host-gateway is this machine's address; may be repeated") {
                guard HostsEntry($1) != nil else { throw UsageError("'\($1)' is not NAME:ADDRESS, nor NAME:host-gateway") }
                $0.hosts.append($1)
            },
            .text("--link CONTAINER[:NAME]", "know another container on the same network by this name; may be repeated") {
                $0.links.append(try LinkRequest(word: $1))
            },
        ]
    }

    private var requests: [PortRequest] = []
    private var publishesAll = false
    private var exposed: [ExposedPorts] = []
    private var resolver = ResolverFile()
    private var hosts: [String] = []
    private var links: [LinkRequest] = []

    /// A word that fits into a line of resolv.conf.
    private static func word(_ text: String) throws(UsageError) -> String {
        guard !text.isEmpty, text.utf8.count <= 253, text.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
            throw UsageError("'\(text)' is no word of resolv.conf")
        }
        return text
    }

    func apply(to request: inout Request) throws(UsageError) {
        if case .container = request.namespaces.network {
            guard requests.isEmpty, !publishesAll, exposed.isEmpty else {
                throw UsageError("ports are published by the container whose network is used, not here")
            }
            guard hosts.isEmpty, links.isEmpty else { throw UsageError("with another container's network, names are that one's too") }
        }
        guard links.isEmpty || !request.endpoints.isEmpty else { throw UsageError("--link needs a network of the container's own") }
        if let word = Machine.environment("MINICTL_PUBLISH_ADDRESS"), !word.isEmpty, IPAddress(word) == nil {
            throw UsageError("MINICTL_PUBLISH_ADDRESS is '\(word)', which is no IP address")
        }
        if request.endpoints.isEmpty, hosts.compactMap(HostsEntry.init).contains(where: { $0.address == nil }),
            request.namespaces.network != .host
        {
            throw UsageError("without a network there is no host-gateway")
        }
        request.ports = requests
        request.publishesAll = publishesAll
        request.exposed = exposed
        request.resolver = resolver == ResolverFile() ? nil : resolver
        request.hosts = hosts
        request.links = links
    }
}

extension LinkRequest {
    /// `CONTAINER` or `CONTAINER:NAME`.
    init(word text: String) throws(UsageError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let container = parts.first, !container.isEmpty else { throw UsageError("'\(text)' is not CONTAINER[:NAME]") }
        self.init(container: container, alias: try ContainerName(word: parts.count == 2 ? parts[1] : container).text)
    }
}
