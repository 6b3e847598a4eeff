"""Words, letters and abbreviations are read as people say them; every kind has a table."""

import pytest

from tts.text import CLEANERS, Tokenizer, normalize, short_forms
from tts.text.arpabet import pronounce
from tts.text.dictionary import dictionary
from tts.text.normalize import LETTER_A, greek, normalize_with_letters
from tts.text.normalize import abbreviations as abbreviations_module
from tts.text.normalize.initialisms import is_acronym
from tts.text.supplement import SUPPLEMENT
from tts.text.symbols import ARPABET

english = CLEANERS["english"]

# The letter A is written "A" here, the article "a".
LETTERS = {
    "AI is here": "A i is here",
    "CIA": "c i A",
    "vitamin A": "vitamin A",
    "Plan A": "plan A",
    "Exhibit A": "exhibit A",
    "the letter A": "the letter A",
    "He got an A": "he got an A",
    "A4": "A four",
    "A-list": "A-list",
    "the a-list star": "the A-list star",
    "A+": "A plus",
    "an A- in German": "an A minus in german",
    "Class A drugs": "class A drugs",
    "John A. Smith": "john A. smith",
    "J. A. Smith": "j. A. smith",
    "Team A. Team B.": "team A. team b.",
    "A is the first letter.": "A is the first letter.",
    "A and B are points.": "A and b are points.",
    "from point A to point B": "from point A to point b",
    "Sonata in A Major": "sonata in A major",
    "She got straight A's.": "she got straight A's.",
    "She got straight As.": "she got straight A's.",
    "VITAMIN A DEFICIENCY": "vitamin A deficiency",
    "the A train": "the A train",
    "Gate A12": "gate A twelve",
    "the A/C is broken": "the A c is broken",
    "A&E": "A and e",
    "Choose a) or b).": "choose A) or b).",
    "(a) first": "(A) first",
    "Hepatitis A and B": "hepatitis A and b",
    "an A student": "an A student",
    "Apartment 4A": "apartment four A",
    "A B C D": "A b c d",
    "a b c": "A b c",
    "9 a.m.": "nine A m.",
    "a grade-A student": "a grade-A student",
    "Two As and one B": "two A's and one b",
    "Convicts, all as a rule": "convicts, all as a rule",
    "the As and Bs": "the A's and b's",
    "AA batteries": "A A batteries",
    "a.k.a. the boss": "A k A the boss",
    "the USA's": "the u s A's",
    # articles
    "A dog barked.": "a dog barked.",
    'He said, "A dog barked."': "he said, a dog barked.",
    "Once Upon A Time": "once upon a time",
    "He read A Tale of Two Cities": "he read a tale of two cities",
    "THIS IS A TEST": "this is a test",
    "A U.S. team won.": "a u s team won.",
    "A TV is on.": "a t v is on.",
    "a T-shirt, a BBC book, a Ph.D. and a UK map": "a t-shirt, a b b c book, a p h d and a u k map",
    "A 4-year-old": "a four-year-old",
    "What a day!": "what a day!",
    "an ABC of a C major chord": "an A b c of a c major chord",
}
INITIALISMS = {
    "TVs, CEOs, GPUs, PCs and MPs": "t v's, c e o's, g p u's, p c's and m p's",
    "the PCs' fans, the NGOs' work": "the p c's fans, the n g o's work",
    "IDs, FAQs, APIs and SUVs": "i d's, f a q's, a p i's and s u v's",
    "MP3s, F-16s and B-52s": "m p three's, f sixteen's and b fifty-two's",
    "mind your Ps and Qs, the three Rs": "mind your p's and q's, the three r's",
    "PhDs and MBAs": "p h d's and m b a's",
    "ITV, EDM, UTC, UFC, ISS": "i t v, e d m, u t c, u f c, i s s",
    "EPL, ETF, EMT, EV, OEM, LED": "e p l, e t f, e m t, e v, o e m, l e d",
    "AM radio": "a m radio",
    "I AM here": "i am here",
    "It is 7 PM EST": "it is seven p m e s t",
    "It is 9:00 AM EST.": "it is nine a m e s t.",
    "Est. 1850": "established eighteen fifty",
    "NASA, NATO, UNESCO, LASER": "nasa, nato, unesco, laser",
    "UNICEF, FIFA, UEFA, OPEC, AIDS, SCUBA": "unicef, fifa, uefa, opec, aids, scuba",
    "COVID-19 and APOLLO-11": "covid nineteen and apollo eleven",
    "GPT-4, H2O, MP3": "g p t four, h two o, m p three",
    "STOP! DO NOT ENTER!": "stop! do not enter!",
    "I am NOT going, it is HUGE.": "i am not going, it is huge.",
    "WHAT IS IT? IT IS US.": "what is it? it is us.",
    "MADE IN THE US": "made in the u s",
    "The WHO said so.": "the w h o said so.",
    "WHO said so?": "who said so?",
    "the IAEA, the OECD, the EEOC": "the i a e a, the o e c d, the e e o c",
    "TCP/IP, HIV/AIDS, CD-ROM": "t c p i p, h i v aids, c d-rom",
    "ex-FBI, non-EU": "ex-f b i, non-e u",
    "mRNA and iOS": "m r n a and i o s",
    "R&D, Q&A and AT&T": "r and d, q and a and a t and t",
    "WWI, WWII, WW2": "world war one, world war two, world war two",
    "Two V.P.s, two Ph.D.s": "two v p's, two p h d's",
    "U.S.A., U.S.-led, the U.N.'s": "u s a, u s-led, the u n's",
    "MR. SMITH": "mister smith",
    "C#, F# minor, B♭ and C++": "c sharp, f sharp minor, b flat and c plus plus",
    ".NET and Node.js": "dot net and node dot js",
}
ROMAN = {
    "The XXI century began": "the twenty-first century began",
    "the XVIII and XIX centuries": "the eighteenth and nineteenth centuries",
    "The IV is in": "the i v is in",
    "His IV drip": "his i v drip",
    "Using IV fluids": "using i v fluids",
    "GIVE IV FLUIDS": "give i v fluids",
    "Episode IV": "episode four",
    "Rocky II": "rocky two",
    "Rocky III and IV are films.": "rocky three and four are films.",
    "Apollo XI, Vatican II, Room IV": "apollo eleven, vatican two, room four",
    "Annex II, Item III, Version II": "annex two, item three, version two",
    "Zone IV, Final Fantasy VII": "zone four, final fantasy seven",
    "Figure C, Table C, Section C, Class C": "figure c, table c, section c, class c",
    "Grade C, Group C, Type C, Plan C": "grade c, group c, type c, plan c",
    "Level C, Division C, Figure L": "level c, division c, figure l",
    "Tesla Model X, Malcolm X, Mr. X": "tesla model x, malcolm x, mister x",
    "Section V, Chapter XL, Psalm CXIX": "section five, chapter forty, psalm one hundred nineteen",
    "CHAPTER IV": "chapter four",
    "CHAPTER I": "chapter one",
    "WORLD WAR II": "world war two",
    "HENRY VIII": "henry the eighth",
    "PART II, ACT III": "part two, act three",
    "Chap. IV; vol. III": "chapter four; volume three",
    "Vols. I and II": "volumes one and two",
    "World Wars I and II": "world wars one and two",
    "Chapters IV-VI": "chapters four to six",
    "pp. xi-xv": "pages eleven to fifteen",
    "XIVth and the IIIrd": "fourteenth and the third",
    "MMXXIV, MCMXCIX": "twenty twenty-four, nineteen ninety-nine",
    "MCMC, CIVIL, MIX and CV": "m c m c, civil, mix and c v",
    "King Charles III": "king charles the third",
    "Queen Elizabeth II's reign": "queen elizabeth the second's reign",
    "Pope Pius XII": "pope pius the twelfth",
    "Elizabeth I and Charles I.": "elizabeth the first and charles the first.",
    "John D. Rockefeller III": "john d. rockefeller the third",
    "Henry Ford II": "henry ford the second",
    "When George I think of him": "when george i think of him",
    "Part I of II": "part one of two",
    "Part I think is bad": "part i think is bad",
    "Iron(III) oxide": "iron three oxide",
    "the XXXIII Olympic Games": "the thirty-third olympic games",
    "No. I will not.": "no. i will not.",
}
ABBREVIATIONS = {
    "Ms. Smith, Ms Smith, MS. SMITH": "miz smith, miz smith, miz smith",
    "Rep. Lewis, Adm. Nelson": "representative lewis, admiral nelson",
    "Pvt. Ryan, Det. Lee, Fr. Brown": "private ryan, detective lee, father brown",
    "Adm., Pvt., Det.": "admiral, private, det.",
    "One rep. left.": "one rep. left.",
    "Wm. Shakespeare": "william shakespeare",
    "Mr.Smith and Mrs.Brown": "mister smith and missus brown",
    "1 tsp salt, 2 tbsp. sugar": "one teaspoon salt, two tablespoons sugar",
    "a tsp of salt, two tbsp of oil": "a teaspoon of salt, two tablespoons of oil",
    "It took two hrs. to get there": "it took two hours to get there",
    "several yrs. ago": "several years ago",
    "max. and avg. speed": "maximum and average speed",
    "milk, etc, and so on": "milk, et cetera, and so on",
    "coffee w/ milk, w/o sugar": "coffee with milk, without sugar",
    "Nr. 1, No. 5, Nos. 3 and 4": "number one, number five, numbers three and four",
    "He lives at No 10": "he lives at number ten",
    "No 10 people are alike.": "no ten people are alike.",
    "Fifth Ave, Sunset Blvd, Main Rd": "fifth avenue, sunset boulevard, main road",
    "Hwy 1, Rte 66": "highway one, route sixty-six",
    "Oak Ln., Park Pl.": "oak lane, park place.",
    "Elm St, 5th St and Rodeo Dr": "elm street, fifth street and rodeo drive",
    "Apt. 4B, Bldg. 4, Rm. 12": "apartment four b, building four, room twelve",
    "vol. 2, ch. 3, eq. 4, App. C": "volume two, chapter three, equation four, appendix c",
    "ed. by Smith, 2nd ed.": "edited by smith, second edition.",
    "Mon., Tues. and Wed. are free": "monday, tuesday and wednesday are free",
    "Mon-Fri 9-5": "monday to friday nine to five",
    "We orbit the Sun.": "we orbit the sun.",
    "Boston, Mass. and Tampa, Fla.": "boston, massachusetts and tampa, florida.",
    "The govt. met": "the government met",
    "Max. He left.": "max. he left.",
}
MARKUP = {
    "Tom &amp; Jerry": "tom and jerry",
    "caf&eacute;, it&#39;s, a&nbsp;day": "cafe, it's, a day",
    "<b>bold</b> and <i>it</i>": "bold and it",
    'one<br/>two <a href="x">three</a>': "one two three",
    "# Title": "title",
    "## Sub title": "sub title",
    "- item one": "item one",
    "> quoted": "quoted",
    "**bold**, *it*, _under_, `code`": "bold, it, under, code",
    "[a link](https://example.com/x)": "a link",
    "item #1, #hashtag": "item number one, hashtag hashtag",
    "snake_case": "snake case",
    "begin-\nning": "beginning",
    "well-\nknown, Anglo-\nSaxon": "well-known, anglo-saxon",
}
GREEK = {
    "π is 3": "pi is three",
    "α, β and Ω": "alpha, beta and omega",
    "Δt and 2π": "delta t and two pi",
    "TGF-β, β-carotene": "t g f-beta, beta-carotene",
    "Καλημέρα": "kalemera",
}
TABLES = {
    "initialisms": INITIALISMS,
    "Roman numerals": ROMAN,
    "abbreviations": ABBREVIATIONS,
    "markup": MARKUP,
    "Greek": GREEK,
}


def wrong_readings(table, read=english):
    return [
        f"{written!r} is read {read(written)!r}, not {spoken!r}"
        for written, spoken in table.items()
        if read(written) != spoken
    ]


@pytest.mark.parametrize("kind", TABLES)
def test_words_are_read_as_people_say_them(kind):
    wrong = wrong_readings(TABLES[kind])
    assert not wrong, "\n".join(wrong)


def test_the_letter_a_differs_from_the_article():
    wrong = wrong_readings(
        LETTERS, lambda text: normalize_with_letters(text).replace(LETTER_A, "A")
    )
    assert not wrong, "\n".join(wrong)
    wrong = wrong_readings({written: spoken.lower() for written, spoken in LETTERS.items()})
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        ("AI", "EY1 AY1"),
        ("a TV", "AH0 T IY1 V IY1"),
        ("an A", "AE1 N EY1"),
        ("A's", "EY1 Z"),
        ("TVs", "T IY1 V IY1 Z"),
        ("CEOs", "S IY1 IY1 OW1 Z"),
        ("PCs'", "P IY1 S IY1 Z"),
        ("Ms. B", "M IH1 Z B IY1"),
        ("COVID", "K OW1 V IH0 D"),
        ("10 kΩ", "T EH1 N K IH1 L OW1 M Z"),
    ],
)
def test_phones_of_letters(text, phones):
    words = Tokenizer(cleaner="english", p_arpabet=1.0).read(text).words
    assert " ".join(p[1:] for word in words for p in word.phones or ()) == phones


def test_a_lexicon_changes_the_article_but_not_the_letter():
    tokenizer = Tokenizer(cleaner="english", p_arpabet=1.0, lexicon={"a": "AA1"})
    assert tokenizer.decode(tokenizer.encode("a cat A")) == "{AA1} {K AE1 T} {EY1}"


def test_letters_of_a_text_in_letters_are_plain():
    tokenizer = Tokenizer(cleaner="english", p_arpabet=0.5)
    assert "".join("".join(word.letters) for word in tokenizer.read("Plan A, CIA").words) == (
        "plan a, c i a"
    )


def test_every_word_that_a_table_writes_has_phones():
    written = {
        word
        for table in (*short_forms.TABLES, abbreviations_module.STREETS)
        for spoken in table.values()
        for word in spoken.lower().split()
    }
    written |= set(greek.NAMES)
    assert sorted(written - dictionary().keys() - SUPPLEMENT.keys()) == []


def test_the_supplement_holds_phones_of_words_that_the_dictionary_lacks():
    assert sorted(SUPPLEMENT.keys() & dictionary().keys()) == []
    assert {p for phones in SUPPLEMENT.values() for p in phones} <= ARPABET
    assert pronounce("covid", {}) == [(0, 5, SUPPLEMENT["covid"])]


@pytest.mark.parametrize("letters", ["NASA", "HELLO", "IKEA", "FEMA", "ME", "COVID", "XEROX"])
def test_acronyms_that_are_words(letters):
    assert is_acronym(letters)


@pytest.mark.parametrize("letters", ["FBI", "UTC", "HTML", "HVAC", "IMDB", "AARP", "UK", "LGBTQIA"])
def test_letters_that_are_spelled(letters):
    assert not is_acronym(letters)


def test_mark_of_the_letter_never_leaves_the_normaliser():
    assert normalize.LETTER_A not in english("A plan: plan A, ª and 1ª")
