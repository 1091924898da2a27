// SPDX-License-Identifier: Apache-2.0

extension Program where Globals: OptionGroup {
    /// A manual page in roff (`man(7)`) for the program and each command: the file's name, and its text.
    package func manuals(date: String) -> [(file: String, text: String)] {
        pages.map { page in
            ("\(page.manualName).1", page.manual(date: date, version: "\(name) \(version)", parent: name))
        }
    }
}

extension CommandPage {
    /// `minictl-network-create`
    fileprivate var manualName: String { String(path.map { $0 == " " ? "-" : $0 }) }

    fileprivate func manual(date: String, version: String, parent: String) -> String {
        let title = roff(manualName)
        var page = ".TH \"\(title.uppercased())\" 1 \"\(roff(date))\" \"\(roff(version))\"\n"
        page += ".SH NAME\n\(title) \\- \(roff("\(summary)"))\n"
        page += ".SH SYNOPSIS\n.B \(roff(path))\n\(roff(String(usage.dropFirst(path.count))).drop { $0 == " " })\n"
        for section in commandSections {
            page += ".SH \(roff(section.title.uppercased()))\n"
            for line in section.items {
                page += ".TP\n.BR \(roff(manualName + "-" + line.name)) (1)\n\(roff("\(line.summary)"))\n"
            }
        }
        if !optionSections.isEmpty { page += ".SH OPTIONS\n" }
        for section in optionSections {
            if section.title != "Options" { page += ".SS \(roff(section.title))\n" }
            for option in section.items { page += option.manual }
        }
        if !examples.isEmpty { page += ".SH EXAMPLES\n" }
        for example in examples { page += ".TP\n.B \(roff("\(example.line)"))\n\(roff("\(example.effect)"))\n" }
        if path != parent { page += ".SH SEE ALSO\n.BR \(roff(parent)) (1)\n" }
        return page
    }
}

extension OptionSpelling {
    fileprivate var manual: String {
        let value = kind == .text ? " \\fI" + roff(placeholder) + "\\fR" : ""
        let letter = letter.map { "\\fB\\-\(Unicode.Scalar($0))\\fR, " } ?? ""
        return ".TP\n\(letter)\\fB" + roff("--" + long) + "\\fR\(value)\n\(roff("\(help)"))\n"
    }
}

/// Text that roff takes literally: hyphens stay hyphens, and no line begins a request.
private func roff(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\\": escaped += "\\e"
        case "-": escaped += "\\-"
        case "\"": escaped += "\\(dq"
        case "\n": escaped += " "
        default: escaped.unicodeScalars.append(scalar)
        }
    }
    return escaped.utf8.first == UInt8(ascii: ".") || escaped.utf8.first == UInt8(ascii: "'") ? "\\&" + escaped : escaped
}
