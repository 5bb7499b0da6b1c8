"""Query parameters that say where a click came from, never which page is meant.

A parameter is here only if it is some tracker's own name for a click or a campaign; words that sites also
use for content (ref, source, cid, id, from) are not.
"""

PREFIXES = ("utm_",)  # Urchin and Google Analytics campaigns

NAMES = frozenset(
    {
        "fbclid",  # Facebook click
        "fb_action_ids",  # Facebook Open Graph stories, to 2015, with the next six
        "fb_action_types",
        "fb_source",
        "fb_ref",
        "action_object_map",
        "action_type_map",
        "action_ref_map",
        "gclid",  # Google Ads click
        "gclsrc",  # Google Ads click source
        "dclid",  # Google Display click
        "gbraid",  # Google Ads click, iOS to app
        "wbraid",  # Google Ads click, iOS to web
        "msclkid",  # Microsoft Advertising click
        "yclid",  # Yandex Direct click
        "ysclid",  # Yandex search click
        "_openstat",  # Yandex and Rambler campaigns
        "twclid",  # Twitter click
        "ttclid",  # TikTok click
        "li_fat_id",  # LinkedIn click
        "igshid",  # Instagram share
        "igsh",  # Instagram share
        "mc_cid",  # Mailchimp campaign
        "mc_eid",  # Mailchimp recipient
        "mkt_tok",  # Marketo recipient
        "_hsenc",  # HubSpot recipient
        "_hsmi",  # HubSpot mail
        "__hstc",  # HubSpot visitor
        "__hssc",  # HubSpot session
        "__hsfp",  # HubSpot fingerprint
        "hsctatracking",  # HubSpot button
        "vero_id",  # Vero recipient
        "vero_conv",  # Vero conversion
        "oly_enc_id",  # Omeda recipient
        "oly_anon_id",  # Omeda visitor
        "rb_clickid",  # Russian banner networks' click
        "s_kwcid",  # Adobe advertising keyword
        "ef_id",  # Adobe advertising click
        "wt_zmc",  # Webtrekk campaign
        "wickedid",  # Wicked Reports click
        "amp_js_v",  # Google's AMP viewer
        "amp_gsa",  # Google's AMP viewer
        "usqp",  # Google's AMP viewer
    }
)


def untracked(query: str) -> str:
    """The query (without its `?`) less its tracking parameters; the others stay as they are, in order."""
    return "&".join(part for part in query.split("&") if not _tracks(part))


def _tracks(parameter: str) -> bool:
    name = parameter.partition("=")[0].lower()
    return name in NAMES or name.startswith(PREFIXES)
