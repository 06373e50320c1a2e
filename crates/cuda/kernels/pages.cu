// Pages of up to 4,096 bytes: same-fill, LZ4 blocks both ways; a warp a page.
//
// A page lies in a slot of 4,096 bytes. Codecs are numbered as in frames: 0 none, 1 same-fill, 2 LZ4.
#include "warp.cuh"
#include "element.cuh"

#define PAGE 4096u
#define WORD 8u
#define CODEC_NONE 0u
#define CODEC_SAME_FILL 1u
#define CODEC_LZ4 2u

// The last five bytes of a block are literals, and the last match starts at least twelve before the end.
#define LAST_LITERALS 5u
#define LAST_MATCH_START 12u
#define TABLE_BITS 11u

// Whether a page of more than a word repeats its first eight bytes: `same[page]` is 1 or 0.
KERNEL same_fill_detect(const u8 *__restrict__ slots, const u32 *__restrict__ lengths, u32 *__restrict__ same, u32 pages) {
    EACH_WARP(page, pages) {
        const u8 *bytes = slots + page * PAGE;
        const u32 length = lengths[page];
        Lanes<bool> differs;
        LANES(lane) {
            bool found = length <= WORD;
            for (u32 at = lane + WORD; at < length; at += 32) found |= bytes[at] != bytes[at % WORD];
            differs[lane] = found;
        }
        u32 mask = ballot(differs);
        LANES(lane) {
            if (lane == 0) same[page] = mask == 0;
        }
    }
}

FN u32 hash(u32 word) { return word * 2654435761u >> (32 - TABLE_BITS); }

// Writes `length - 15` as bytes of 255 and a last one below; all lanes take part.
FN void write_length(u8 *out, u32 rest) {
    LANES(lane) {
        for (u32 at = lane; at <= rest / 255; at += 32) out[at] = at < rest / 255 ? 255 : (u8)(rest % 255);
    }
}

FN u32 length_bytes(u32 length) { return length < 15 ? 0 : (length - 15) / 255 + 1; }

// Appends a sequence; `match` 0 is the last one, of literals alone. Returns the new end, or `room + 1` where it does not fit.
FN u32 write_sequence(u8 *out, u32 made, u32 room, const u8 *literals, u32 count, u32 distance, u32 match) {
    u32 more = match ? match - 4 : 0;
    u32 need = 1 + length_bytes(count) + count + (match ? 2 + length_bytes(more) : 0);
    if (made + need > room) return room + 1;
    LANES(lane) {
        if (lane == 0) out[made] = (u8)((count < 15 ? count : 15) << 4 | (more < 15 ? more : 15));
    }
    made += 1;
    if (count >= 15) write_length(out + made, count - 15);
    made += length_bytes(count);
    LANES(lane) {
        for (u32 at = lane; at < count; at += 32) out[made + at] = literals[at];
    }
    made += count;
    if (match) {
        LANES(lane) {
            if (lane < 2) out[made + lane] = (u8)(distance >> (8 * lane));
        }
        made += 2;
        if (more >= 15) write_length(out + made, more - 15);
        made += length_bytes(more);
    }
    return made;
}

// Compresses the pages that `same` says 0 of. `stored[page]` is the block's length, 0 where it is not below the page's.
//
// 32 places are looked up at once; the first that matches is extended both ways. Of places with one hash the last stays in
// the table, whatever the order in which lanes write, so a page has one block.
KERNEL lz4_compress(const u8 *__restrict__ slots, const u32 *__restrict__ lengths, const u32 *__restrict__ same,
                    u8 *__restrict__ blocks, u32 *__restrict__ stored, u32 pages) {
    SHARED(u32, table, 1 << TABLE_BITS, WARPS);
    SHARED(u8, page_bytes, PAGE, WARPS);
    EACH_WARP(page, pages) {
        const u32 length = lengths[page];
        if (same[page] || length == 0) {
            LANES(lane) {
                if (lane == 0) stored[page] = 0;
            }
            continue;
        }
        u8 *out = blocks + page * PAGE;
        LANES(lane) {
            for (u32 at = lane; at < (1u << TABLE_BITS); at += 32) table[at] = 0;
            for (u32 at = lane; at < length; at += 32) page_bytes[at] = slots[page * PAGE + at];
        }
        SYNC;
        const u32 room = length - 1;
        u32 made = 0, anchor = 0, at = 1;
        while (length > LAST_MATCH_START && at + LAST_MATCH_START <= length) {
            const u32 last = length - LAST_MATCH_START;
            Lanes<bool> hit;
            Lanes<u32> found, place;
            LANES(lane) {
                u32 here = at + lane;
                bool inside = here <= last;
                u32 word = inside ? load_u32(page_bytes + here) : 0;
                u32 slot = hash(word);
                u32 before = inside ? table[slot] : 0;
                hit[lane] = inside && load_u32(page_bytes + before) == word;
                found[lane] = before;
                place[lane] = inside ? slot : ~0u;
            }
            SYNC;
            u32 mask = ballot(hit);
            u32 first = mask ? lowest_bit(mask) : 31;
            LANES(lane) {
                if (lane <= first && place[lane] != ~0u) raise(table + place[lane], at + lane);
            }
            SYNC;
            if (!mask) {
                at += 32;
                continue;
            }
            u32 here = at + first, before = from_lane(found, first);
            u32 match = 4;
            for (;;) {
                Lanes<bool> ends;
                LANES(lane) {
                    u32 next = match + lane;
                    ends[lane] = here + next >= length - LAST_LITERALS || page_bytes[here + next] != page_bytes[before + next];
                }
                u32 stop = ballot(ends);
                if (stop) {
                    match += lowest_bit(stop);
                    break;
                }
                match += 32;
            }
            Lanes<bool> ends;
            LANES(lane) {
                u32 back = lane + 1;
                ends[lane] = here < anchor + back || before < back || page_bytes[here - back] != page_bytes[before - back];
            }
            u32 stop = ballot(ends);
            u32 back = stop ? lowest_bit(stop) : 32;
            here -= back;
            before -= back;
            match += back;
            made = write_sequence(out, made, room, page_bytes + anchor, here - anchor, here - before, match);
            if (made > room) break;
            // The places that the match covers can start others.
            for (u32 inside = at + first + 1; inside < here + match; inside += 32) {
                LANES(lane) {
                    u32 covered = inside + lane;
                    if (covered < here + match && covered <= last) raise(table + hash(load_u32(page_bytes + covered)), covered);
                }
            }
            SYNC;
            anchor = here + match;
            at = anchor;
        }
        if (made <= room) made = write_sequence(out, made, room, page_bytes + anchor, length - anchor, 0, 0);
        LANES(lane) {
            if (lane == 0) stored[page] = made <= room ? made : 0;
        }
        SYNC;
    }
}

// Puts what was made of each page behind one another, at `starts`: a word, a block or the page itself.
KERNEL gather_stored(const u8 *__restrict__ slots, const u8 *__restrict__ blocks, const u32 *__restrict__ codecs,
                     const u32 *__restrict__ stored, const u64 *__restrict__ starts, u8 *__restrict__ out, u32 pages) {
    EACH_WARP(page, pages) {
        const u8 *from = (codecs[page] == CODEC_LZ4 ? blocks : slots) + page * PAGE;
        u8 *to = out + starts[page];
        const u32 length = stored[page];
        LANES(lane) {
            for (u32 at = lane; at < length; at += 32) to[at] = from[at];
        }
    }
}

// One past the lengths that a page can have: what a length becomes that would be longer.
#define TOO_LONG (PAGE + 1)

// A length's further bytes, from `at`. False where the block ends among them.
FN bool read_length(const u8 *block, u32 bytes, u32 &at, u32 &length) {
    for (;;) {
        if (at >= bytes) return false;
        u32 more = block[at++];
        length = length + more > TOO_LONG ? TOO_LONG : length + more;
        if (more != 255) return true;
    }
}

// Brings pages back into their slots. `status[page]` is 0 where a page became exactly `lengths[page]` bytes, else 1: the
// processor finds out why. Nothing outside of the block is read and nothing outside of the slot is written, whatever the block says.
KERNEL decompress_pages(const u8 *__restrict__ bytes, const u64 *__restrict__ starts, const u32 *__restrict__ stored,
                        const u32 *__restrict__ codecs, const u32 *__restrict__ lengths, u8 *__restrict__ slots,
                        u32 *__restrict__ status, u32 pages) {
    SHARED(u8, made_bytes, PAGE, WARPS);
    EACH_WARP(page, pages) {
        const u8 *block = bytes + starts[page];
        const u32 size = stored[page], length = lengths[page], codec = codecs[page];
        bool good = length <= PAGE && codec <= CODEC_LZ4;
        if (good && codec == CODEC_NONE) {
            good = size == length;
            if (good) {
                LANES(lane) {
                    for (u32 at = lane; at < length; at += 32) made_bytes[at] = block[at];
                }
            }
        } else if (good && codec == CODEC_SAME_FILL) {
            good = size == WORD;
            if (good) {
                LANES(lane) {
                    for (u32 at = lane; at < length; at += 32) made_bytes[at] = block[at % WORD];
                }
            }
        } else if (good) {
            u32 at = 0, made = 0;
            for (;;) {
                if (at >= size) {
                    good = false;
                    break;
                }
                const u32 token = block[at++];
                u32 literals = token >> 4;
                if (literals == 15 && !read_length(block, size, at, literals)) {
                    good = false;
                    break;
                }
                if (literals > size - at || literals > length - made) {
                    good = false;
                    break;
                }
                LANES(lane) {
                    for (u32 i = lane; i < literals; i += 32) made_bytes[made + i] = block[at + i];
                }
                at += literals;
                made += literals;
                if (at == size) {
                    good = made == length;
                    break;
                }
                if (size - at < 2) {
                    good = false;
                    break;
                }
                const u32 distance = load_u16(block + at);
                at += 2;
                u32 match = token & 15;
                if (distance == 0 || distance > made || (match == 15 && !read_length(block, size, at, match))) {
                    good = false;
                    break;
                }
                match += 4;
                if (match > length - made) {
                    good = false;
                    break;
                }
                // Every byte comes from before the match, so lanes need not wait for each other.
                SYNC;
                LANES(lane) {
                    for (u32 i = lane; i < match; i += 32)
                        made_bytes[made + i] = made_bytes[made - distance + (distance > i ? i : i % distance)];
                }
                made += match;
                SYNC;
            }
        }
        SYNC;
        if (good) {
            u8 *slot = slots + page * PAGE;
            LANES(lane) {
                for (u32 at = lane * 4; at + 4 <= length; at += 128)
                    *(u32 *)(slot + at) = *(const u32 *)(made_bytes + at);
                for (u32 at = (length & ~3u) + lane; at < length; at += 32) slot[at] = made_bytes[at];
            }
        }
        LANES(lane) {
            if (lane == 0) status[page] = good ? 0 : 1;
        }
        SYNC;
    }
}
