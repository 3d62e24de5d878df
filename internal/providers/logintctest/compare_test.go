package logintctest_test

import (
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rollcall-cli/rollcall/internal/providers/logintctest"
)

var (
	ignoreOrder = cmpopts.SortSlices(func(a, b logintctest.User) bool { return a.Username < b.Username })
	equateEmpty = cmp.Options{cmpopts.EquateEmpty(), cmpopts.SortSlices(func(a, b string) bool { return a < b })}
	// ignoreNewIDs leaves out the ids of users that the wanted side has none for.
	ignoreNewIDs = cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".ID" },
		cmp.Comparer(func(a, b string) bool { return a == b || a == "" || b == "" }))
)
