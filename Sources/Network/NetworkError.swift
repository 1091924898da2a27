// SPDX-License-Identifier: Apache-2.0
package import Linux

/// What can go wrong with networks, told apart as far as a caller acts on it.
package enum NetworkError: Error {
    /// Somebody else's link has the name.
    case deviceTaken(String)
    /// The address is another container's; its id.
    case addressTaken(IPAddress, owner: String)
    /// Every address of that subnet is taken.
    case noFreeAddress(Subnet)
    /// Ports of this machine that somebody has.
    case portTaken(PublishedPorts)
    /// What is asked for does not fit the network, in one sentence.
    case refused(String)
    case system(doing: String, SystemError)
}

extension NetworkError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .deviceTaken(let name): "there is a link \(name) already, which is not minictl's; remove it, or give the network another name"
        case .addressTaken(let address, let owner): "the address \(address) is in use by container \(owner.prefix(12))"
        case .noFreeAddress(let subnet): "all addresses of \(subnet) are in use"
        case .portTaken(let ports): "the port \(ports.hostPorts)/\(ports.transport.rawValue) of \(ports.address) is in use"
        case .refused(let sentence): sentence
        case .system(let doing, let error): "cannot \(doing): \(error)"
        }
    }
}
