"""Print six clips of the embedded sample before and after PE-CML."""

import audiolabels

labels = audiolabels.read_labels(audiolabels.sample_path())
targets = audiolabels.expand(labels, "pe-cml")
names = targets.vocabulary.names
target, mask = targets.to_numpy()

SHOWN = ["Electric guitar", "Guitar", "Rain", "Duck", "Church bell", "Silence"]
print("what happened to six clips of the sample\n")
for wanted in SHOWN:
    row = next(r for r in range(len(labels)) if wanted in (labels.labels(r) or ()))
    given = labels.labels(row) or ()
    added = [n for n, value in zip(names, target[row], strict=True) if value and n not in given]
    unknown = [n for n, known in zip(names, mask[row], strict=True) if not known]
    more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
    print(f"{targets.clip_id[row]}")
    print(f"  given    {'; '.join(given)}")
    print(f"  added    {'; '.join(added) or 'nothing'}")
    print(f"  unknown  {'; '.join(unknown[:5]) or 'nothing'}{more}\n")
