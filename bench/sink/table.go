package sink

import (
	"encoding/binary"
	"math"

	"datapusher/bench/load/ledger"
)

// key is what makes an arrival one of its kind.
type key struct {
	id          ledger.ID
	destination uint32
}

// hash mixes all of it: the parts of an id that differ between neighbours are
// few, and its end is the same in all.
func (k key) hash() uint64 {
	const odd = 0x9e3779b97f4a7c15
	h := binary.LittleEndian.Uint64(k.id[:8])
	h = (h ^ h>>29) * odd
	h ^= binary.LittleEndian.Uint64(k.id[8:])
	h = (h ^ h>>32) * odd
	h ^= uint64(k.destination)
	h = (h ^ h>>29) * odd
	return h ^ h>>32
}

// entry is an arrival, in 28 bytes, since there may be ten million.
type entry struct {
	key
	number uint32 // of the event; the highest stands for none
	again  uint16 // how often it arrived after the first time; the highest stands for more
	marked bool   // a check has found it among what was accepted
}

const noNumber = math.MaxUint32

// table finds entries by their keys. Entries stand in blocks that are never
// moved; the index of their places is what grows. It holds no pointers to
// entries, so the garbage collector has nothing to follow.
type table struct {
	blocks [][]entry
	n      int
	index  []uint32 // place + 1; 0 is free; a power of two
}

const blockSize = 1 << 12

func (t *table) at(place int) *entry { return &t.blocks[place/blockSize][place%blockSize] }

// slot is where in the index the key stands, or would. The lowest bits of the
// hash chose the shard, so others choose the slot.
func (t *table) slot(k key, h uint64) int {
	mask := len(t.index) - 1
	i := int(h>>8) & mask
	for t.index[i] != 0 && t.at(int(t.index[i]-1)).key != k {
		i = (i + 1) & mask
	}
	return i
}

func (t *table) find(k key, h uint64) *entry {
	if len(t.index) == 0 {
		return nil
	}
	if i := t.slot(k, h); t.index[i] != 0 {
		return t.at(int(t.index[i] - 1))
	}
	return nil
}

// add reports whether the key is new.
func (t *table) add(k key, h, number uint64) bool {
	if 4*t.n >= 3*len(t.index) {
		t.grow()
	}
	i := t.slot(k, h)
	if t.index[i] != 0 {
		if e := t.at(int(t.index[i] - 1)); e.again < math.MaxUint16 {
			e.again++
		}
		return false
	}
	if t.n%blockSize == 0 {
		t.blocks = append(t.blocks, make([]entry, blockSize))
	}
	*t.at(t.n) = entry{key: k, number: uint32(min(number, noNumber))}
	t.n++
	t.index[i] = uint32(t.n)
	return true
}

func (t *table) grow() {
	t.index = make([]uint32, max(1<<10, 2*len(t.index)))
	for place := range t.n {
		k := t.at(place).key
		t.index[t.slot(k, k.hash())] = uint32(place + 1)
	}
}

// each visits all entries.
func (t *table) each(visit func(*entry)) {
	for place := range t.n {
		visit(t.at(place))
	}
}
