// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine

struct Check: Command {
    static let name: StaticString = "check"
    static let summary: StaticString = "compare all that is kept, and mend what does not fit"
    static let operands: Operands = ""
    static let examples = [
        Example("minictl check", "says what is wrong and what would be done about it, and changes nothing"),
        Example("minictl check --repair --deep", "does it, after reading every blob of every image"),
    ]

    static var options: [CommandOption<Self>] {
        [
            .flag("--repair", "mend what can be mended; nothing that a container wrote is deleted") { $0.repairs = $1 },
            .flag("--deep", "read every blob to its end and compare it with its digest") { $0.isDeep = $1 },
            .text("--format table|json|TEMPLATE", "how to print it") { $0.format = try ListFormat($1) },
        ]
    }

    var repairs = false
    var isDeep = false
    var format = ListFormat.table

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let faults = try globals.home().audit(repair: repairs, deep: isDeep)
        let status: Int32 = faults.allSatisfy { $0.state == .mended } ? 0 : 1
        guard case .table = format else {
            try Output.standard.write(format.text(faults.map(FaultRow.init), width: Output.standard.tableWidth))
            return status
        }
        for fault in faults {
            try Output.standard.write("\(escapeVisible(fault.place)): \(escapeVisible(fault.sentence))\n  \(fault.words)\n")
        }
        try Output.standard.write(Self.verdict(faults, repaired: repairs))
        return status
    }

    private static func verdict(_ faults: [Fault], repaired: Bool) -> String {
        if faults.isEmpty { return "everything fits\n" }
        let count = faults.count == 1 ? "1 fault" : "\(faults.count) faults"
        if !repaired { return "\(count) found; nothing was changed, see 'minictl check --repair'\n" }
        let mended = faults.count { $0.state == .mended }
        return "\(count) found, \(mended) mended\n"
    }
}

extension Fault {
    fileprivate var words: String {
        switch state {
        case .found: "to do: \(escapeVisible(mending))"
        case .mended: "done: \(escapeVisible(mending))"
        case .left: "left: \(escapeVisible(mending))"
        }
    }
}

private struct FaultRow: ListRow {
    let fault: Fault
    var quiet: String { fault.place }

    init(_ fault: Fault) { self.fault = fault }

    static var columns: [Column<Self>] {
        [
            Column("STATE", "State") { $0.fault.state.rawValue },
            Column("PLACE", "Place", shrinksTo: 20) { $0.fault.place },
            Column("SENTENCE", "Sentence", shrinksTo: 20) { $0.fault.sentence },
            Column("MENDING", "Mending", shrinksTo: 20) { $0.fault.mending },
        ]
    }
}
