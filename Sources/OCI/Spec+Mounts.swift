// SPDX-License-Identifier: Apache-2.0

extension Spec {
    /// A mount inside the container (config.md, "Mounts"). `options` are the words of mount(8), checked where they are applied.
    package struct Mount: Equatable, Sendable {
        package var destination: String
        package var type: String?
        package var source: String?
        package var options: [String]?
        package var uidMappings: [IDMapping]?
        package var gidMappings: [IDMapping]?

        package init(
            destination: String, type: String? = nil, source: String? = nil, options: [String]? = nil, uidMappings: [IDMapping]? = nil,
            gidMappings: [IDMapping]? = nil
        ) {
            self.destination = destination
            self.type = type
            self.source = source
            self.options = options
            self.uidMappings = uidMappings
            self.gidMappings = gidMappings
        }
    }
}
