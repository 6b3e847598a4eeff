"""Lists names of persons, after which a Roman numeral is a rank and a letter A an initial."""

from __future__ import annotations

from tts.text.normalize.rules import any_of


def _also_in_capitals(names: str) -> str:
    listed = names.split()
    return any_of([*listed, *(name.upper() for name in listed)])


#: Pattern of the names of rulers and popes: after them a single letter is a numeral, too.
RULERS = _also_in_capitals(
    "Abdullah Adrian Albert Alexander Alfonso Artaxerxes Ashurnasirpal Baldwin Benedict"
    " Boniface Carlos Catherine Charles"
    " Christian Clement Constantine Cyrus Darius Edward Elizabeth Ferdinand Francis"
    " Frederick George"
    " Gregory Gustav Gustavus Haakon Harald Henri Henry Innocent Isabella Ivan James"
    " John Joseph Juan"
    " Julius Karl Leo Leopold Louis Margrethe Mary Maximilian Mehmed Murad Napoleon"
    " Nebuchadnezzar Nicholas Olaf Otto"
    " Paul Pedro Peter Philip Pius Ptolemy Ramesses Ramses Richard Robert Rudolf"
    " Selassie Seti Sixtus"
    " Stephen Suleiman Thutmose Umberto Urban Victor Wilhelm Willem William Xerxes"
)
#: Pattern of other given names that are common in English.
GIVEN_NAMES = _also_in_capitals(
    "Aaron Adam Alan Albert Alexander Alfred Andrew Anthony Arthur Benjamin Bill Brian Carl Charles"
    " Christopher Cornelius Daniel David Dennis Donald Douglas Edgar Edward Ernest"
    " Eugene Francis Frank"
    " Franklin Fred Frederick Gary George Gerald Gregory Harold Harry Henry Herbert"
    " Howard Hugh Jack James"
    " Jason Jeffrey Jeremy Jerry Jesse John Jonathan Joseph Keith Kenneth Larry"
    " Lawrence Leonard Lewis Louis"
    " Mark Martin Matthew Michael Nathan Nicholas Oscar Patrick Paul Peter Philip Ralph"
    " Raymond Richard"
    " Robert Roger Ronald Roy Russell Ryan Samuel Scott Sean Simon Stephen Steven"
    " Theodore Thomas Thurston"
    " Timothy Walter William"
)
#: Pattern of the titles that stand before the name of a ruler.
TITLES_OF_RULERS = _also_in_capitals(
    "King Queen Pope Emperor Empress Tsar Tsarina Czar Kaiser Prince Princess Duke"
    " Duchess Sultan Shah"
    " Pharaoh Patriarch Archduke Sir Lord Baron Count Earl Khedive Maharaja"
)
