# What a pipeline refuses beyond what rollcall itself holds back:
#
#   rollcall show reviewed.plan --json > plan.json
#   conftest test plan.json --policy examples/policy
package main

import rego.v1

removals := [op | some op in input.operations; op.action in {"leave_domain", "delete_user"}]

# Nobody is deleted from the organization by a pipeline.
deny contains message if {
	some op in input.operations
	op.action == "delete_user"
	message := sprintf("%s would be deleted from the organization", [op.address])
}

# Whoever has an address of the board is removed by hand.
deny contains message if {
	some op in removals
	endswith(op.before.email, "@board.example.com")
	message := sprintf("%s is of the board", [op.address])
}

# What decides who is in a domain changes alone, or with additions.
deny contains message if {
	some domain in input.domains
	count(object.get(domain, "scope_changes", [])) > 0
	count(removals) > 0
	message := sprintf("domain.%s: its scope changes, and %d would be removed", [domain.name, count(removals)])
}

warn contains message if {
	input.complete == false
	message := sprintf("%d removals were withheld", [input.summary.withheld])
}
