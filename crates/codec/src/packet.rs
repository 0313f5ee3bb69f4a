//! What goes into a decoder.

use bytes::Bytes;

/// Names a packet, so that a picture can name the packet it came from.
///
/// The caller chooses the numbers; a decoder only hands them back. They need not be consecutive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketId(pub u64);

/// One encoded access unit.
#[derive(Debug, Clone)]
pub struct Packet {
    /// The caller's name for it.
    pub id: PacketId,
    /// The bytes, in the framing that the factory asked for.
    pub data: Bytes,
    /// Decoding can start here: an IDR picture, a recovery point that the caller accepts, a key frame.
    pub random_access: bool,
    /// The picture is wanted. Where it is not, the packet is there because others refer to it, and the back
    /// end may leave out what only showing the picture needs.
    pub wanted: bool,
}
