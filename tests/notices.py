"""The notice that everybody in the tests was shown."""
import json
import os

# What everybody was shown: of each controller, since long ago.
SHOWN = {"notice": "privacy", "notice_version": 1, "language": "es"}
NOTICE = {
    "name": "privacy", "version": 1, "from": "2015-01-01", "evidence": "original",
    "purposes": {
        "necessary": ["loyalty_account", "purchase_recording", "rewards"],
        "voluntary": ["marketing", "personalised_offers", "segmentation",
                      "advertising_audiences", "market_research", "dietary_service",
                      "product_improvement"]},
    "texts": {"es": {"full": "es.txt", "short": "es.short.txt"},
              "en": {"full": "en.txt", "short": "en.short.txt"}},
}
TEXTS = {
    "es.txt": "Aviso de privacidad, versión íntegra.\n", "es.short.txt": "Aviso breve.\n",
    "en.txt": "Privacy notice in full.\n", "en.short.txt": "Short notice.\n",
}


def write(folder, uid, gid, **more):
    """Manifest and texts into the folder, with other members than usual."""
    texts = dict(TEXTS, **{"notice.json": json.dumps(dict(NOTICE, **more))})
    for name, text in texts.items():
        path = os.path.join(folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chown(path, uid, gid)
    return folder
