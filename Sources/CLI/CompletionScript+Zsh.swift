// SPDX-License-Identifier: Apache-2.0

extension Program where Globals: OptionGroup {
    /// One function for each command, as zsh's own completions are written.
    func zshCompletion(_ pages: [CommandPage]) -> String {
        var script = "#compdef \(name)\n# zsh completion for \(name)\n\n"
        for listing in listings {
            script += """
                _\(name)_list_\(listing.word)() {
                    local -a names
                    names=(${(f)"$(\(listing.command) 2>/dev/null)"})
                    compadd -a names
                }

                """
        }
        for page in pages { script += zshFunction(page) }
        return script + "\ncompdef _\(name) \(name)\n"
    }

    private func zshFunction(_ page: CommandPage) -> String {
        let function = "_" + page.path.replacingSpaces()
        var words = page.options.filter { $0.kind != .heading && !$0.isHidden }.map { zshOption($0) }
        words.append("'--help[show help]'")
        guard !page.commands.isEmpty else {
            let operand = Completion(placeholder: "\(page.operands.text)")
            if page.operands.limits.most != 0 { words.append("'*:\(zshQuoted("\(page.operands.text)")):\(zshAction(operand))'") }
            return "\(function)() {\n    _arguments -s -S \\\n        \(words.joined(separator: " \\\n        "))\n}\n"
        }
        let commands = page.commands.filter { !$0.isHeading }
        let lines = commands.map { "        '\($0.name):\(zshQuoted("\($0.summary)"))'" }.joined(separator: "\n")
        let cases = commands.map { "        \($0.name)) \(function)_\($0.name.replacingSpaces()) ;;" }.joined(separator: "\n")
        words += ["'1: :->command'", "'*:: :->words'"]
        return """
            \(function)() {
                local curcontext=$curcontext state line
                local -a commands
                commands=(
            \(lines)
                )
                _arguments -C -S \\
                    \(words.joined(separator: " \\\n        "))
                case $state in
                command) _describe command commands ;;
                words)
                    case $words[1] in
            \(cases)
                    esac ;;
                esac
            }

            """
    }

    private func zshOption(_ option: OptionSpelling) -> String {
        let help = "[\(zshQuoted("\(option.help)"))]"
        let value =
            option.kind == .text ? ":\(zshQuoted(option.placeholder)):\(zshAction(Completion(placeholder: option.placeholder)))" : ""
        let assign = option.kind == .text ? "=" : ""
        guard let letter = option.letter else { return "'*--\(option.long)\(assign)\(help)\(value)'" }
        let plus = option.kind == .text ? "+" : ""
        return "'*-\(Unicode.Scalar(letter))\(plus)\(help)\(value)' '*--\(option.long)\(assign)\(help)\(value)'"
    }

    private func zshAction(_ completion: Completion) -> String {
        switch completion {
        case .nothing: " "
        case .files: "_files"
        case .directories: "_files -/"
        case .words(let words): "(" + words.joined(separator: " ") + ")"
        default: "_\(name)_list_\(completion.word)"
        }
    }

    private func zshQuoted(_ text: String) -> String {
        text.unicodeScalars.reduce(into: "") { quoted, scalar in
            switch scalar {
            case "'": quoted += "'\\''"
            case "[", "]", ":", "\\": quoted += "\\" + String(scalar)
            default: quoted.unicodeScalars.append(scalar)
            }
        }
    }
}

extension String {
    fileprivate func replacingSpaces() -> String { String(map { $0 == " " || $0 == "-" ? "_" : $0 }) }
}
