"""Colours of anatomy and findings as 3D Slicer shows them, so that a structure looks the same wherever it is opened.

Source: 3D Slicer, Base/Logic/Resources/ColorFiles/Terminology/GenericAnatomyColors-SNOMED.csv, version 2 of its format;
its SRT codes as SNOMED CT concepts by PS3.16 annex O.
"""

from __future__ import annotations

COLOURS: dict[str, tuple[int, int, int]] = {
    "85756007": (128, 174, 128),  # Tissue
    "272673000": (241, 214, 145),  # Bone
    "39937001": (177, 122, 101),  # Skin
    "21793004": (111, 184, 210),  # Connective tissue
    "87612001": (216, 101, 79),  # Blood
    "113343008": (221, 130, 101),  # Organ
    "4147007": (144, 238, 144),  # Mass
    "71616004": (192, 104, 88),  # Muscle
    "19227008": (220, 245, 20),  # Foreign body
    "38199008": (255, 250, 220),  # Tooth
    "248300009": (230, 220, 70),  # Body fat
    "389081007": (200, 200, 235),  # Grey matter
    "389080008": (250, 250, 210),  # White matter
    "119410002": (244, 214, 49),  # Nerve
    "29092000": (0, 151, 206),  # Vein
    "51114001": (216, 101, 79),  # Artery
    "52082005": (183, 214, 211),  # Ligament
    "13024002": (152, 189, 207),  # Tendon
    "309312004": (111, 184, 210),  # Cartilage
    "74135004": (178, 212, 242),  # Meniscus
    "59441001": (68, 172, 100),  # Lymph node
    "65216001": (85, 188, 255),  # Cerebrospinal fluid
    "70150004": (0, 145, 30),  # Bile
    "78014005": (214, 230, 130),  # Urine
    "32457005": (170, 250, 250),  # Body fluid
    "79654002": (140, 224, 228),  # Oedema
    "50960005": (188, 65, 28),  # Haemorrhage
    "6574001": (216, 191, 216),  # Necrosis
    "75753009": (145, 60, 66),  # Thrombus
    "55584005": (150, 98, 83),  # Embolus
    "12738006": (250, 250, 225),  # Brain
    "40146001": (128, 174, 128),  # Cerebral cortex
    "83251001": (83, 146, 164),  # Frontal lobe
    "78277001": (162, 115, 105),  # Temporal lobe
    "16630005": (141, 93, 137),  # Parietal lobe
    "31065004": (182, 166, 110),  # Occipital lobe
    "11000004": (30, 111, 85),  # Caudate nucleus
    "89278009": (210, 157, 166),  # Putamen
    "14738005": (48, 129, 126),  # Globus pallidus
    "4958002": (98, 153, 112),  # Amygdala
    "42695009": (122, 101, 38),  # Thalamus
    "45793000": (253, 135, 192),  # Pineal gland
    "113305005": (194, 195, 164),  # Cerebellum
    "88442005": (97, 113, 158),  # Corpus callosum
    "35764002": (88, 106, 215),  # Cerebral ventricle
    "2748008": (244, 214, 49),  # Spinal cord
    "56329008": (57, 157, 110),  # Pituitary gland
    "18545000": (255, 244, 209),  # Dura mater
    "21974007": (166, 84, 94),  # Tongue
    "81745001": (194, 142, 0),  # Eye
    "89546000": (241, 213, 144),  # Skull
    "91609006": (222, 198, 101),  # Mandible
    "54066008": (184, 105, 108),  # Pharynx
    "4596009": (150, 208, 243),  # Larynx
    "69748006": (62, 162, 114),  # Thyroid gland
    "111002": (62, 162, 114),  # Parathyroid gland
    "44567001": (182, 228, 255),  # Trachea
    "955009": (175, 216, 244),  # Bronchus
    "39607008": (197, 165, 145),  # Lung
    "45653009": (172, 138, 115),  # Upper lobe of lung
    "72481006": (202, 164, 140),  # Middle lobe of right lung
    "90572001": (224, 186, 162),  # Lower lobe of lung
    "3120008": (255, 245, 217),  # Pleura
    "80891009": (206, 110, 84),  # Heart
    "73829009": (210, 115, 89),  # Right atrium
    "82471001": (203, 108, 81),  # Left atrium
    "53085002": (181, 85, 57),  # Right ventricle
    "87878005": (152, 55, 13),  # Left ventricle
    "15825003": (224, 97, 76),  # Aorta
    "76848001": (255, 244, 209),  # Pericardium
    "32849002": (211, 171, 143),  # Oesophagus
    "9875009": (47, 150, 103),  # Thymus
    "72410000": (255, 244, 209),  # Mediastinum
    "113197003": (253, 232, 158),  # Rib
    "56873002": (244, 217, 154),  # Sternum
    "51299004": (205, 179, 108),  # Clavicle
    "69695003": (216, 132, 105),  # Stomach
    "38848004": (255, 253, 229),  # Duodenum
    "30315005": (205, 167, 142),  # Small intestine
    "71854001": (204, 168, 143),  # Colon
    "10200004": (221, 130, 101),  # Liver
    "28273000": (0, 145, 30),  # Bile duct
    "28231008": (139, 150, 98),  # Gallbladder
    "15776009": (249, 180, 111),  # Pancreas
    "78961009": (157, 108, 162),  # Spleen
    "64033007": (185, 102, 83),  # Kidney
    "87953007": (247, 182, 164),  # Ureter
    "89837001": (222, 154, 132),  # Urinary bladder
    "13648007": (124, 186, 223),  # Urethra
    "23451007": (249, 186, 150),  # Adrenal gland
    "35039007": (255, 181, 158),  # Uterus
    "15497006": (213, 141, 113),  # Ovary
    "76784001": (193, 123, 103),  # Vagina
    "41216001": (230, 158, 140),  # Prostate
    "64739004": (245, 172, 147),  # Seminal vesicle
    "81040000": (0, 122, 171),  # Pulmonary artery
    "122972007": (186, 77, 64),  # Pulmonary vein
    "79068005": (240, 255, 30),  # Needle
    "367643001": (205, 205, 100),  # Cyst
    "68523003": (250, 250, 225),  # Cerebral white matter
}
"""sRGB, 0 to 255, by the SNOMED CT identifier (SCT) of a segmented property type."""
