"""The words that an insight may be made of, and the ones that make a claim which a fact must bear out.

A closed list: what is not here cannot be said. That keeps out what no list of forbidden words would: figures in other
languages, causes that nobody knows, names that no fact is about, advice.
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


UP = _words(
    """
    up higher above ahead rise rises rose risen rising gain gains gained gaining climb climbs climbed climbing advance
    advances advanced advancing add adds added adding increase increased jump jumps jumped jumping rally rallied
    rallying green positive winner winners gainers stronger
    """
)
DOWN = _words(
    """
    down lower below behind fall falls fell fallen falling lose loses lost losing loss losses drop drops dropped
    dropping decline declines declined declining slip slips slipped slipping slide slides slid sliding sink sinks sank
    sunk dip dips dipped dipping ease eases eased easing retreat retreats retreated retreating decrease decreased shed
    sheds red negative loser losers weaker
    """
)
BUSY = _words("busy busier heavy heavier brisk surge surged active")
QUIET = _words("quiet quieter light lighter thin thinner slow slower calm")
OPEN, PREVIOUS, AVERAGE, RANGE = (
    _words("open opened opening"),
    _words("previous close"),
    _words("average"),
    _words("range ranged span spanned swing swings swung band"),
)
BETWEEN = frozenset({"between"})

# Nothing here may turn a gain into a loss: no "gave back", no "without".
PLAIN = _words(
    """
    a an the this that these it its itself they their them there which who whose of in on at to for from by as and or
    but while with where whereas though although despite into within so far still also too now meanwhile elsewhere
    overall together yet even then against across among amid is are was were be been being has have had having do does
    did stock stocks share shares company companies price prices trade trades traded trading volume volumes market
    markets group session sessions move moves moved moving level levels activity pace direction change changed changes
    picture tone side sides hands reading tracked stand stands stood reach reaches reached reaching hit hits keep
    keeps kept keeping stay stays stayed remain remains remained hold holds held see sees saw seen show shows showed
    shown set sets setting post posts posted make makes made mark marks marked cover covers covered stretch stretches
    stretched extend extends extended run runs ran running come comes came follow follows followed join joins joined
    continue continues continued own new same other
    """
)

CLAIMS = {
    # The slot of a rank, or of a new high or low, brings the words with it.
    "superlative": _words(
        """
        biggest largest greatest highest strongest best sharpest steepest smallest lowest weakest worst least top bottom
        leader leaders leading led leads lead record high highs low lows peak
        """
    ),
    "number-word": _words(
        """
        zero nil one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
        seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred hundreds thousand
        thousands million millions billion billions trillion dozen dozens score scores half halves halved third thirds
        quarter quarters fifth tenth first second fourth sixth seventh eighth ninth once twice thrice double doubled
        doubles doubling triple tripled triples quadruple quadrupled single sole lone couple pair both several few many
        multiple fold twofold threefold tenfold percent percentage pct percents cent cents dollar dollars usd basis
        point points bp bps k m bn mn
        """
    ),
    "quantifier": _words(
        "all every each any none nobody nothing everything everyone most mostly majority minority much more less fewer"
    ),
    "approximation": _words(
        """
        about around roughly approximately nearly almost over under exceeding exceeded exceeds beyond barely just only
        slightly somewhat modestly sharply steeply strongly significantly substantially massively hugely
        """
    ),
    "negation": _words("not no never neither nor without cannot didn't doesn't isn't wasn't failed fails unable"),
    "time": _words(
        """
        today yesterday tomorrow tonight morning afternoon evening noon midday hour hours hourly minute minutes day days
        daily week weeks weekly month months monthly year years yearly annual recent recently early earlier late later
        last past ago monday tuesday wednesday thursday friday saturday sunday january february march april may june
        july august september october november december since before after until during next soon
        """
    ),
    "cause": _words(
        """
        because due owing thanks driven drove drives fueled fuelled boosted boosting prompted sparked triggered caused
        causing reflecting reflects amidst earnings news report reports reported reporting results guidance upgrade
        downgrade analyst analysts investor investors optimism pessimism fears fear hopes hope concerns worries
        sentiment demand supply inflation rates fed tariffs
        """
    ),
    "advice": _words("buy sell buying selling should could would might will expect expected expects likely forecast"),
}
"""Words that are refused with a reason of their own, so that a writer can be told what to change."""

# "since the previous close" and "since the open" are the ways to say what a move is counted from.
_SINCE = _words("since")

ALLOWED = PLAIN | UP | DOWN | BUSY | QUIET | OPEN | PREVIOUS | AVERAGE | RANGE | BETWEEN | _SINCE

SPLITTERS = _words("while but and or as whereas though although despite yet with meanwhile")
"""Words at which a new clause begins."""


def claim_of(word: str) -> str | None:
    """Return why *word* (in small letters) may not stand in an insight, None if it may."""
    if word in ALLOWED:
        return None
    for reason, words in CLAIMS.items():
        if word in words:
            return reason
    return "roman-numeral" if _is_roman(word) else "unknown-word"


def _is_roman(word: str) -> bool:
    return len(word) > 1 and not word.strip("ivxlcdm")
