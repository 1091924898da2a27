// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import JSON
import Linux
import Network

struct NetworkList: Command {
    static let name: StaticString = "ls"
    static let summary: StaticString = "list networks"
    static let operands: Operands = ""

    static var options: [CommandOption<Self>] {
        [
            .flag("-q, --quiet", "ids alone") { $0.isQuiet = $1 },
            .flag("--no-trunc", "whole ids") { $0.isWhole = $1 },
            .text("-f, --filter KEY=VALUE", "name, id, driver, label, type=custom|builtin, dangling=true|false; may be repeated") {
                try $0.filter.add($1)
            },
            .text("--format table|json|TEMPLATE", "how to print them") { $0.format = try ListFormat($1) },
        ]
    }

    var isQuiet = false
    var isWhole = false
    var filter = NetworkFilter()
    var format = ListFormat.table

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        let used = filter.isDangling == nil ? [] : Set(try home.listings().flatMap(\.record.networks))
        let rows = try home.networks().filter { filter.holds(for: $0, isUsed: used.contains($0.name)) }.map(NetworkRow.init)
        if isQuiet {
            try Output.standard.write(rows.map { (isWhole ? $0.network.id : $0.quiet) + "\n" }.joined())
        } else {
            try Output.standard.write(format.text(rows, isWhole: isWhole, width: Output.standard.tableWidth))
        }
        return 0
    }
}

/// The conditions of `network ls --filter`. Those of one kind are alternatives, except labels; those of different kinds must all hold.
struct NetworkFilter {
    private var names: [String] = []
    private var ids: [String] = []
    private var drivers: [String] = []
    private var labels: [LabelCondition] = []
    private var isPredefined: Bool?
    private(set) var isDangling: Bool?

    mutating func add(_ text: String) throws(UsageError) {
        let pair = try KeyValue(text, requiresValue: true)
        let value = pair.value ?? ""
        switch (pair.key, value) {
        case ("name", _): names.append(value)
        case ("id", _): ids.append(value)
        case ("driver", _): drivers.append(value)
        case ("label", _): labels.append(LabelCondition(value))
        case ("type", "custom"): isPredefined = false
        case ("type", "builtin"): isPredefined = true
        case ("type", _): throw UsageError("type is custom or builtin")
        case ("dangling", "true"), ("dangling", "1"): isDangling = true
        case ("dangling", "false"), ("dangling", "0"): isDangling = false
        case ("dangling", _): throw UsageError("dangling is true or false")
        case ("scope", "local"): break
        default: throw UsageError("there is no filter '\(pair.key)'; there are name, id, driver, label, type, dangling")
        }
    }

    func holds(for network: NetworkDefinition, isUsed: Bool) -> Bool {
        let builtin = NetworkDefinition.isPredefined(network.name)
        if let isPredefined, isPredefined != builtin { return false }
        if let isDangling, (isDangling && builtin) || isDangling == isUsed { return false }
        return (names.isEmpty || names.contains { network.name.holds($0) })
            && (ids.isEmpty || ids.contains { network.id.hasPrefix($0) })
            && (drivers.isEmpty || drivers.contains(network.driver.rawValue))
            && labels.allSatisfy { $0.holds(for: network.labels) }
    }
}

struct NetworkRow: ListRow {
    let network: NetworkDefinition
    var quiet: String { String(network.id.prefix(12)) }

    init(_ network: NetworkDefinition) { self.network = network }

    static var columns: [Column<Self>] {
        [
            Column("NETWORK ID", "ID") { $0.network.id }.brief { $0.quiet },
            Column("NAME", "Name", shrinksTo: 12) { $0.network.name },
            Column("DRIVER", "Driver") { $0.network.driver.rawValue },
            Column("SCOPE", "Scope") { _ in "local" },
            Column("IPV4", "IPv4", isShown: false) { "\($0.network.range(.v4) != nil)" },
            Column("IPV6", "IPv6", isShown: false) { "\($0.network.hasIPv6)" },
            Column("INTERNAL", "Internal", isShown: false) { "\($0.network.isInternal)" },
            Column("CREATED AT", "CreatedAt", isShown: false) { LocalTime($0.network.created).description },
            Column("LABELS", "Labels", isShown: false) { ($0.network.labels ?? [:]).labelText },
        ]
    }

    var lookups: JSONObject { (network.labels ?? [:]).labelLookups }
}

struct NetworkCreate: Command {
    static let name: StaticString = "create"
    static let summary: StaticString = "make a network"
    static let operands: Operands = "NETWORK"
    static let examples = [
        Example("minictl network create blue", "a bridge; containers on it reach each other and the world"),
        Example("minictl network create --internal --subnet 10.1.0.0/24 db", "one that leads nowhere else"),
        Example("minictl network create -d macvlan -o parent=eth0 --subnet 192.168.1.0/24 lan", "on the wire of eth0"),
    ]

    static var options: [CommandOption<Self>] {
        [
            .text("-d, --driver bridge|macvlan", "what it is made of (default bridge)") {
                guard $1 == "bridge" || $1 == "macvlan" else {
                    throw UsageError("'\($1)' is no network driver, known are bridge and macvlan")
                }
                $0.driver = $1 == "bridge" ? .bridge : .macvlan
            },
            .text("--subnet SUBNET", "its addresses (default a private range that is free); once for IPv4, once for IPv6") {
                $0.subnets.append(try Subnet(word: $1))
            },
            .text("--gateway ADDRESS", "the way out (default the subnet's first address)") { $0.gateways.append(try IPAddress(word: $1)) },
            .text("--ip-range SUBNET", "from which part of the subnet containers get their addresses") {
                $0.allocations.append(try Subnet(word: $1))
            },
            .text("--aux-address NAME=ADDRESS", "an address that is somebody else's, which no container gets; may be repeated") {
                let pair = try KeyValue($1, requiresValue: true)
                $0.reserved.append((pair.key, try IPAddress(word: pair.value ?? "")))
            },
            .flag("--internal", "no way out") { $0.isInternal = $1 },
            .flag("--ipv6", "IPv6 too, of a unique local subnet if none is given") { $0.hasIPv6 = $1 },
            .text(
                "-o, --opt OPTION=VALUE",
                """
                mtu; com.docker.network.bridge.name, .enable_icc, .enable_ip_masquerade; com.minictl.offload: the kernel passes what comes for \
                published ports on by itself, faster and past all rules; for macvlan parent and macvlan_mode; may be repeated
                """
            ) {
                $0.driverOptions.add(try KeyValue($1, requiresValue: true))
            },
            .text("--label KEY=VALUE", "a label; may be repeated") { $0.labels.add(try KeyValue($1)) },
            .flag("--ipv4", "docker's; there is always IPv4", hidden: true) { _, isOn in
                if !isOn { throw UsageError("a network always has IPv4, beside IPv6 if that is asked for") }
            },
            .text("--ipam-opt OPTION=VALUE", "docker's, for its plugins", hidden: true) { _, _ in
                throw UsageError("addresses are handed out by minictl itself, which has no options for that")
            },
            .text("--config-from NETWORK", "docker's, for swarms", hidden: true) { _, _ in throw UsageError(Self.noConfigurations) },
            .flag("--config-only", "docker's, for swarms", hidden: true) { _, isOn in if isOn { throw UsageError(Self.noConfigurations) } },
            .flag("--ingress", "docker's, for swarms", hidden: true) { _, isOn in
                if isOn { throw UsageError("there are no swarms, so there is no mesh to route into one") }
            },
            .flag("--attachable", "docker's; every network is", hidden: true) { _, _ in },
            .text("--ipam-driver default", "docker's; addresses are always handed out here", hidden: true) {
                guard $1 == "default" else { throw UsageError("there is no IPAM driver '\($1)': minictl hands out addresses itself") }
            },
            .text("--scope local", "docker's; every network is this machine's", hidden: true) {
                guard $1 == "local" else { throw UsageError("there are no networks of scope '\($1)': each is this machine's own") }
            },
        ]
    }

    private static var noConfigurations: String { "a network is made whole here: give it --subnet and --opt themselves" }

    var driver = NetworkDefinition.Driver.bridge
    var subnets: [Subnet] = []
    var gateways: [IPAddress] = []
    var allocations: [Subnet] = []
    var reserved: [(name: String, address: IPAddress)] = []
    var isInternal = false
    var hasIPv6 = false
    var driverOptions: [String: String] = [:]
    var labels: [String: String] = [:]

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        var request = NetworkRequest(name: try ContainerName(word: arguments.first ?? "", of: "network"))
        request.driver = driver
        request.subnets = subnets
        request.gateways = gateways
        request.allocations = allocations
        request.reserved = reserved
        request.isInternal = isInternal
        request.hasIPv6 = hasIPv6
        request.options = driverOptions
        request.labels = labels
        let home = try globals.home()
        try Output.standard.write("\(home.createNetwork(request).id)\n")
        return 0
    }
}

struct NetworkInspect: Command {
    static let name: StaticString = "inspect"
    static let summary: StaticString = "show all that is known of networks"
    static let operands: Operands = "NETWORK [NETWORK...]"
    static var options: [CommandOption<Self>] {
        InspectOptions.options.lifted { try $1(&$0.inspect) } + [
            .flag("-v, --verbose", "docker's; all is shown anyhow", hidden: true) { _, _ in }
        ]
    }

    var inspect = InspectOptions()

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        try home.sweep()
        return try inspect.run(arguments) { try home.description(of: Endpoint.network($0), as: .network) }
    }
}
