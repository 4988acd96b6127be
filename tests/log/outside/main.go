// A client of the log that is not ours: golang.org/x/mod's note and tlog read
// a copy of /log/, prove every entry and the way from an earlier size, and
// must not accept what was altered.
//
//	outside DIR VKEY [OLD-SIZE]
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type folder struct{ dir string }

func (f folder) Height() int                               { return 8 }
func (f folder) SaveTiles(tiles []tlog.Tile, data [][]byte) {}

// tlog calls the folder tile/8/, tlog-tiles leaves the height out.
func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, t := range tiles {
		path := strings.Replace(t.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(f.dir, path))
		if err != nil && t.W < 256 {
			full := t
			full.W = 256
			path = strings.Replace(full.Path(), "tile/8/", "tile/", 1)
			if data, err = os.ReadFile(filepath.Join(f.dir, path)); err == nil {
				data = data[:t.W*tlog.HashSize]
			}
		}
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "outside:", err)
		os.Exit(1)
	}
}

// The entries of the log, from its bundles.
func entries(dir string, size int64) [][]byte {
	var all [][]byte
	for n := int64(0); n*256 < size; n++ {
		t := tlog.Tile{H: 8, L: 0, N: n, W: 256}
		if size-n*256 < 256 {
			t.W = int(size - n*256)
		}
		path := strings.Replace(t.Path(), "tile/8/0/", "tile/entries/", 1)
		data, err := os.ReadFile(filepath.Join(dir, path))
		if err != nil {
			t.W = 256
			path = strings.Replace(t.Path(), "tile/8/0/", "tile/entries/", 1)
			data, err = os.ReadFile(filepath.Join(dir, path))
		}
		check(err)
		for i := 0; i < 256 && n*256+int64(i) < size; i++ {
			if len(data) < 2 {
				check(fmt.Errorf("bundle %d is short", n))
			}
			l := int(binary.BigEndian.Uint16(data))
			if len(data) < 2+l {
				check(fmt.Errorf("bundle %d is short", n))
			}
			all = append(all, data[2:2+l])
			data = data[2+l:]
		}
	}
	return all
}

func main() {
	dir, vkey := os.Args[1], os.Args[2]
	verifier, err := note.NewVerifier(vkey)
	check(err)
	text, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	check(err)
	signed, err := note.Open(text, note.VerifierList(verifier))
	check(err)
	lines := strings.Split(signed.Text, "\n")
	if lines[0] != verifier.Name() {
		check(fmt.Errorf("the checkpoint is of %q", lines[0]))
	}
	// tlog's own tree text differs in its first line only.
	tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + lines[1] + "\n" + lines[2] + "\n"))
	check(err)
	hashes := tlog.TileHashReader(tree, folder{dir})
	leaves := entries(dir, tree.N)
	for i, e := range leaves {
		if i%97 != 0 && i < len(leaves)-3 {
			continue
		}
		p, err := tlog.ProveRecord(tree.N, int64(i), hashes)
		check(err)
		check(tlog.CheckRecord(p, tree.N, tree.Hash, int64(i), tlog.RecordHash(e)))
		altered := append([]byte{}, e...)
		altered[len(altered)/2] ^= 1
		if tlog.CheckRecord(p, tree.N, tree.Hash, int64(i), tlog.RecordHash(altered)) == nil {
			check(fmt.Errorf("entry %d altered is accepted", i))
		}
	}
	// All leaves at once give the root too.
	var stored []tlog.Hash
	mem := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, x := range at {
			out = append(out, stored[x])
		}
		return out, nil
	})
	for i, e := range leaves {
		more, err := tlog.StoredHashes(int64(i), e, mem)
		check(err)
		stored = append(stored, more...)
	}
	if tree.N > 0 {
		root, err := tlog.TreeHash(tree.N, mem)
		check(err)
		if root != tree.Hash {
			check(fmt.Errorf("the entries give another root"))
		}
	}
	if len(os.Args) > 3 {
		old, err := strconv.ParseInt(os.Args[3], 10, 64)
		check(err)
		before, err := tlog.TreeHash(old, hashes)
		check(err)
		p, err := tlog.ProveTree(tree.N, old, hashes)
		check(err)
		check(tlog.CheckTree(p, tree.N, tree.Hash, old, before))
		before[0] ^= 1
		if tlog.CheckTree(p, tree.N, tree.Hash, old, before) == nil {
			check(fmt.Errorf("another beginning is accepted"))
		}
	}
	fmt.Printf("outside: %s, %d entries, proven\n", verifier.Name(), tree.N)
}
