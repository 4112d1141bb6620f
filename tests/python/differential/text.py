"""Random cases of operators on strings."""
import numpy as np
from onnx import TensorProto

from differential.harness import Case

WORDS = ["a", "b", "A", "abc", "ABC", "Été", "straße", "Σ", "x y", "12", "naïve", "東京", "a-b", "monday", "Monday"]


def words(r, shape, pool=WORDS):
    return np.array([r.pick(pool) for _ in range(int(np.prod(shape)))], dtype=str).reshape(shape)


def string_concat(r, kind):
    a, b = r.broadcast_pair(empty=0.1)
    return Case(kind, [words(r, a), words(r, b)])


def string_split(r, kind):
    attributes = {"maxsplit": r.int(-1, 3)} if r.coin() else {}
    if r.coin():  # between whitespace ONNX Runtime knows spaces alone
        pool, attributes["delimiter"] = ["a b", " a  b c ", "   ", "", "abc"], r.pick(["", ""])
    else:
        pool, attributes["delimiter"] = ["a,b", ",a,,b", ",", "abc", "東,京,,"], r.pick([",", ",,", "b"])
    return Case(kind, [words(r, r.shape(most=3, empty=0.1), pool)], attributes, outputs=2)


def string_normalizer(r, kind):
    count = r.int(1, 6)
    stop = [str(w) for w in r.rng.permutation(WORDS)[:r.int(0, 4)]]
    stop = list({w.lower(): w for w in stop}.values())
    attributes = {"stopwords": stop} if stop else {}
    return Case(kind, [words(r, r.pick([(count,), (1, count)]))],
                {"case_change_action": r.pick(["NONE", "LOWER", "UPPER"]), "is_case_sensitive": r.int(0, 1),
                 "locale": "C.UTF-8", **attributes})


def regex_full_match(r, kind):
    pattern = r.pick(["[a-z]+", "(?i)abc", ".*", "", r"\p{Lu}.*", r"\d{2}", "a|b", ".{2}"])
    return Case(kind, [words(r, r.shape(empty=0.1))], {"pattern": pattern})


def tf_idf_vectorizer(r, kind):
    text, longest = r.coin(), r.int(1, 3)
    pool, starts, grams = [], [], 0
    for length in range(1, longest + 1):
        starts.append(len(pool))
        chosen = {tuple(r.int(0, 3) for _ in range(length)) for _ in range(r.int(1, 4))}
        grams += len(chosen)
        pool += [item for gram in sorted(chosen) for item in gram]
    columns = [int(c) for c in r.rng.permutation(grams)]
    least = r.int(1, longest)
    attributes = {"mode": r.pick(["TF", "IDF", "TFIDF"]), "min_gram_length": least,
                  "max_gram_length": r.int(least, longest), "max_skip_count": r.int(0, 3), "ngram_counts": starts,
                  "ngram_indexes": columns}
    attributes |= {"pool_strings": [WORDS[i] for i in pool]} if text else {"pool_int64s": pool}
    if r.coin():
        attributes["weights"] = [float(w) for w in r.floats((grams,))]
    shape = r.shape(r.int(1, 2), largest=9)
    x = words(r, shape, WORDS[:5]) if text else r.ints(shape, r.pick([np.int32, np.int64]), 0, 5)
    return Case(kind, [x], attributes)


def equal(r, kind):
    a, b = r.broadcast_pair()
    return Case(kind, [words(r, a, WORDS[:4]), words(r, b, WORDS[:4])])


def where(r, kind):
    a, b = r.broadcast_pair()
    return Case(kind, [r.bools(np.broadcast_shapes(a, b)), words(r, a), words(r, b)])


def unique(r, kind):
    return Case(kind, [words(r, (r.int(1, 9),), WORDS[:6])], {"sorted": r.int(0, 1)}, outputs=4)


def moved(r, kind):
    shape = r.shape(least=1)
    if kind == "Gather":  # along the last axis: docs/divergences.md
        return Case(kind, [words(r, shape), r.ints((3,), np.int64, -shape[-1], shape[-1])], {"axis": -1})
    if kind == "Concat":
        return Case(kind, [words(r, shape), words(r, shape)], {"axis": r.axis(len(shape))})
    if kind == "Reshape":
        return Case(kind, [words(r, shape), np.array([-1], np.int64)])
    return Case(kind, [words(r, shape)])


def cast(r, kind):
    if r.coin():
        x = words(r, r.shape(), ["1", "-2", "30", "007"])
        return Case(kind, [x], {"to": r.pick([TensorProto.INT32, TensorProto.INT64, TensorProto.FLOAT,
                                              TensorProto.DOUBLE])})
    return Case(kind, [r.ints(r.shape(), r.pick([np.int32, np.int64, np.uint8]))], {"to": TensorProto.STRING})


CASES = {
    "Cast (text)": cast, "Concat (text)": moved, "Equal (text)": equal, "Gather (text)": moved,
    "Identity (text)": moved, "RegexFullMatch": regex_full_match, "Reshape (text)": moved,
    "StringConcat": string_concat, "StringNormalizer": string_normalizer, "StringSplit": string_split,
    "TfIdfVectorizer": tf_idf_vectorizer, "Transpose (text)": moved, "Unique (text)": unique, "Where (text)": where}
