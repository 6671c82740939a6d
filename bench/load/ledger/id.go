package ledger

import (
	"encoding/binary"

	"github.com/oklog/ulid/v2"
)

// ID is an event's id, "evt_" and a ULID, in the 16 bytes that it tells.
type ID ulid.ULID

const idPrefix = "evt_"

// IDLength is the length of an event's id as it is written.
const IDLength = len(idPrefix) + ulid.EncodedSize

// ParseID reads an event's id; false where it is none.
func ParseID(b []byte) (ID, bool) {
	if len(b) != IDLength || string(b[:len(idPrefix)]) != idPrefix {
		return ID{}, false
	}
	var u ulid.ULID
	if u.UnmarshalText(b[len(idPrefix):]) != nil {
		return ID{}, false
	}
	// What is no base32 has been read as something else, which is written differently.
	var again [ulid.EncodedSize]byte
	_ = u.MarshalTextTo(again[:])
	return ID(u), string(again[:]) == string(b[len(idPrefix):])
}

// NumberedID is the id that a generator gives an event where there is no door
// that would.
func NumberedID(n uint64) ID {
	var id ID
	binary.BigEndian.PutUint64(id[8:], n)
	return id
}

// Put writes the id into IDLength bytes.
func (id ID) Put(to []byte) {
	copy(to, idPrefix)
	_ = ulid.ULID(id).MarshalTextTo(to[len(idPrefix):IDLength]) // fails for another length alone
}

func (id ID) String() string {
	b := make([]byte, IDLength)
	id.Put(b)
	return string(b)
}
