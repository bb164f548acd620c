"""Names of months and time zones as mailers write them."""

from __future__ import annotations

_MONTHS = """
jan january januar janvier janv enero ene gennaio gen janeiro januari tammikuu tammi styczeń stycznia sty leden
    ledna led január janvāris sausio ianuarie ian ocak oca янв январь января січ січня ιαν ιανουαρίου يناير ינו
    ינואר siječnja
feb february februar février fevrier févr fév fevr febrero febbraio fevereiro fev februari helmikuu helmi luty
    lutego lut únor února úno február vasario februarie şubat şub фев февр февраль февраля лют лютого φεβ
    φεβρουαρίου فبراير פבר
mar march märz maerz mär mrz mars marzo março marco maart mrt maaliskuu maalis marzec marca březen března bře brez
    március márc marec kovo martie mart мар март марта бер березня μαρ μαρτίου مارس מרץ
apr april avril avr abril abr aprile huhtikuu huhti kwiecień kwietnia kwi duben dubna dub április ápr apríl
    balandžio aprilie nisan nis апр апрель апреля кві квітня απρ απριλίου أبريل אפר
may mai mayo maggio mag maio maj mei toukokuu touko maja květen května kvě máj május gegužės mayıs май мая тра
    травня μάι μαΐ μαΐου مايو מאי
jun june juni juin junio giugno giu junho kesäkuu kesä czerwiec czerwca cze červen června čvn jún június birželio
    iunie haziran haz июн июнь июня чер червня ιουν ιούν ιουνίου يونيو יונ
jul july juli juillet juil julio luglio lug julho heinäkuu heinä lipiec lipca lip červenec července čvc júl július
    liepos iulie temmuz tem июл июль июля лип липня ιουλ ιούλ ιουλίου يوليو יול
aug august août aout aoû agosto ago agustus augustus augusti elokuu elo sierpień sierpnia sie srpen srpna srp
    augusztus rugpjūčio ağustos ağu авг август августа сер серпня αυγ αυγούστου أغسطس אוג
sep sept september septembre septiembre set settembre setembro syyskuu syys wrzesień września wrz září zář
    szeptember szept rugsėjo septembrie eylül eyl сен сент сентябрь сентября вер вересня σεπ σεπτεμβρίου سبتمبر ספט
oct october oktober okt octobre octubre ottobre ott outubro out lokakuu loka październik października paź říjen
    října říj október spalio octombrie ekim eki окт октябрь октября жов жовтня οκτ οκτωβρίου أكتوبر אוק
nov november novembre noviembre novembro marraskuu marras listopad listopada lis lapkričio noiembrie kasım kas ноя
    нояб ноябрь ноября лис листопада νοε νοεμβρίου نوفمبر נוב
dec december dezember dez décembre decembre déc diciembre dic dicembre dezembro joulukuu joulu grudzień grudnia gru
    prosinec prosince pro december gruodžio decembrie aralık ara дек декабрь декабря гру грудня δεκ δεκεμβρίου
    ديسمبر דצמ
"""
_HOURS = {
    "UT": 0, "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "BST": 1, "WEST": 1, "CET": 1, "MET": 1, "MEZ": 1, "MEWT": 1,
    "CEST": 2, "MEST": 2, "MESZ": 2, "EET": 2, "SAST": 2, "CAT": 2, "EEST": 3, "MSK": 3, "TRT": 3, "EAT": 3, "MSD": 4,
    "GST": 4, "PKT": 5, "IST": 5.5, "NPT": 5.75, "ICT": 7, "WIB": 7, "HKT": 8, "SGT": 8, "MYT": 8, "PHT": 8, "AWST": 8,
    "JST": 9, "KST": 9, "ACST": 9.5, "AEST": 10, "ACDT": 10.5, "AEDT": 11, "NZST": 12, "NZDT": 13, "NST": -3.5,
    "NDT": -2.5, "AST": -4, "ADT": -3, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8,
    "PDT": -7, "AKST": -9, "AKDT": -8, "HST": -10, "BRT": -3, "ART": -3, "CLT": -4, "COT": -5, "PET": -5, "VET": -4,
}  # fmt: skip


def _numbers() -> dict[str, int]:
    numbers: dict[str, int] = {}
    lines = _MONTHS.strip().replace("\n    ", " ").split("\n")
    for number, line in enumerate(lines, 1):
        for name in line.split():
            numbers.setdefault(name, number)
    return numbers


_NUMBERS = _numbers()


def month(name: str) -> int | None:
    """1 to 12 for a month's name or its beginning in the languages mailers speak; None for any other word."""
    lowered = name.lower().strip(".")
    found = _NUMBERS.get(lowered) or _NUMBERS.get(lowered[:4])
    return found or (_NUMBERS.get(lowered[:3]) if len(lowered) > 2 else None)


def zone_minutes(name: str) -> int | None:
    """Minutes east of UTC of a zone's name; None where nobody agrees on one. India is what mail means by IST."""
    hours = _HOURS.get(name.upper())
    return None if hours is None else round(hours * 60)
