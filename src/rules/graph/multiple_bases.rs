use crate::rule::Check;

pub const CHECK: Check = Check::Environment(|environment, found| {
    let bases: Vec<_> = environment.history.bases.iter().map(|&base| &environment.migrations[base]).collect();
    let unlabelled: Vec<_> =
        bases.iter().filter(|base| base.branch_labels.names.is_empty() && !base.branch_labels.incomplete).collect();
    let [first, others @ ..] = unlabelled.as_slice() else { return };
    for base in others.iter().filter(|base| base.judged) {
        let at = base.parents.names.first().map_or(base.id_span, |name| name.span);
        let message = format!("`{}` starts a second history beside that of `{}`", base.id, first.id);
        found
            .in_file(&base.source, at, message)
            .of(base)
            .label(&first.source, first.id_span, "the other first revision")
            .help("set `down_revision` to the revision it follows; give it `branch_labels` if it is meant to stand alone");
    }
});
